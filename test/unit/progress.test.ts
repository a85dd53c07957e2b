import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { progressOn } from '../../src/main/progress.ts';
import { progressListener } from '../../src/main/progress-listener.ts';

/** stderr where there is no terminal */
function plainStderr() {
  const stream = new PassThrough();
  let text = '';
  stream.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return { stream: stream as unknown as NodeJS.WriteStream, lines: () => text.split('\n').slice(0, -1) };
}

function progress(quiet = false) {
  const { stream, lines } = plainStderr();
  return { progress: progressOn(stream, { quiet, interactive: false }), lines };
}

afterEach(() => vi.useRealTimers());

describe('progress without a terminal', () => {
  it('is a line at the beginning and one at the end of an activity', () => {
    const { progress: shown, lines } = progress();
    shown.start('reading metrics', 90);
    shown.done('5 collectors');
    shown.start('taking the sandbox down');
    shown.done();
    expect(lines()).toEqual([
      'reading metrics ... (about 1m30s)',
      '  5 collectors',
      'taking the sandbox down ...',
      '  done',
    ]);
  });

  it('is lines on a terminal without columns too, where a spinner would turn for ever', () => {
    const { stream, lines } = plainStderr();
    const shown = progressOn(Object.assign(stream, { columns: 0 }), { quiet: false, interactive: true });
    shown.start('x');
    shown.done();
    expect(lines()).toEqual(['x ...', '  done']);
  });

  it('says nothing at the end of what was never begun', () => {
    const { progress: shown, lines } = progress();
    shown.done();
    shown.start('x');
    shown.done();
    shown.done();
    expect(lines()).toEqual(['x ...', '  done']);
  });

  it('tells how far it is every ten seconds at most, so that a log stays readable', () => {
    vi.useFakeTimers();
    const { progress: shown, lines } = progress();
    shown.start('load');
    for (let second = 1; second <= 25; second += 1) {
      vi.advanceTimersByTime(1_000);
      shown.update(`${second} s`);
    }
    expect(lines()).toEqual(['load ...', '  10 s', '  20 s']);
  });

  it('has notes on lines of their own', () => {
    const { progress: shown, lines } = progress();
    shown.start('load');
    shown.note('warning: k6 is missing');
    expect(lines()).toEqual(['load ...', 'warning: k6 is missing']);
  });

  it('has no escape codes and never moves back', () => {
    const { progress: shown, lines } = progress();
    shown.start('load', 5);
    shown.update('1 of 5');
    shown.done('fine');
    shown.note('note');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(lines().join('\n')).not.toMatch(/[\u001b\r]/);
  });
});

describe('progress with --quiet', () => {
  it('is nothing but what a person must know', () => {
    const { progress: shown, lines } = progress(true);
    shown.start('load', 5);
    shown.update('1 of 5');
    shown.done('fine');
    shown.note('warning: the journal could not be written');
    expect(lines()).toEqual(['warning: the journal could not be written']);
  });
});

describe('a run, told on stderr', () => {
  const outcome = { id: 'service', title: 'redis', outcome: 'pass', message: 'cache-1: stopped' } as const;

  it('says what is done, how it was proven and how it is reverted', () => {
    const { progress: shown, lines } = progress();
    const listen = progressListener(shown, false);
    listen({ type: 'run.started', run: 'run-1', operation: 'x', folder: '/f' });
    listen({ type: 'lock.taken', where: 'database' });
    listen({ type: 'change.started', text: 'stop service cache', seconds: 5 });
    listen({ type: 'change.applied', text: 'stop service cache' });
    listen({ type: 'change.verified', outcome });
    listen({ type: 'revert.started', text: 'start service cache', by: 'run' });
    listen({ type: 'revert.retried', text: 'start service cache', message: 'loading' });
    listen({ type: 'revert.verified', text: '', outcome: { ...outcome, message: 'cache-1: running' } });
    listen({ type: 'warning', message: 'the disk is full' });
    listen({ type: 'run.finished', run: 'run-1', result: 'done', message: 'done' });
    expect(lines()).toEqual([
      'stop service cache ... (about 5s)',
      '  cache-1: stopped',
      'revert: start service cache ... (about 5s)',
      '  proven: cache-1: running',
      'warning: the disk is full',
    ]);
  });

  it('warns when only this host sees the run lock, and names the run with --verbose', () => {
    const { progress: shown, lines } = progress();
    const listen = progressListener(shown, true);
    listen({ type: 'lock.taken', where: 'file', why: 'the database cannot be reached' });
    listen({ type: 'run.started', run: 'run-1', operation: 'x', folder: '/f' });
    expect(lines()).toEqual([
      'warning: the run lock is a file that only this host sees: the database cannot be reached',
      'run run-1: /f',
    ]);
  });
});
