import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watermarkFiles } from '../../src/adapters/watermark-file.ts';
import { decide, notesOf } from '../../src/checks/incremental/incremental.ts';
import { coverageResult } from '../../src/checks/incremental/incremental-coverage.ts';
import { settledAt } from '../../src/checks/incremental/server-position.ts';
import { advanced, type Watermark } from '../../src/lifecycle/watermark.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 4, 4, 9, minute)).toISOString();
const mark = (minute: number, more: Partial<Watermark> = {}): Watermark => ({
  of: 'core',
  server: 'server',
  at: at(minute),
  sweep: { snapshotAt: at(2), watermark: at(0), findings: {} },
  ...more,
});

describe('after a good run', () => {
  it('the first mark is that of a full run', () => {
    expect(advanced([], { mark: mark(5), from: null })).toEqual([mark(5)]);
    expect(advanced([], { mark: mark(5), from: at(3) })).toEqual([]);
  });

  it('the mark moves forward', () => {
    expect(advanced([mark(3)], { mark: mark(5), from: at(3) })).toEqual([mark(5)]);
  });

  it('it does not move backward when another run was quicker', () => {
    expect(advanced([mark(7)], { mark: mark(5), from: at(3) })).toEqual([mark(7)]);
    expect(advanced([mark(7)], { mark: mark(5), from: null })).toEqual([mark(7)]);
  });

  it('it does not move over a time that nobody looked at', () => {
    expect(advanced([mark(1)], { mark: mark(5), from: at(3) })).toEqual([mark(1)]);
  });

  it('a full run replaces the mark of another server, and a run of changes does not', () => {
    const old = mark(9, { server: 'before the restore' });

    expect(advanced([old], { mark: mark(5), from: null })).toEqual([mark(5)]);
    expect(advanced([old], { mark: mark(5), from: at(9) })).toEqual([old]);
  });

  it('the newest full run is remembered, whoever ends last', () => {
    const sweep = { snapshotAt: at(20), watermark: at(18), findings: {} };

    const [both] = advanced([mark(18, { sweep })], { mark: mark(19), from: at(18) });

    expect(both).toMatchObject({ at: at(19), sweep: { snapshotAt: at(20) } });
  });

  it('marks of other checks stay, but not for ever', () => {
    let marks: readonly Watermark[] = [];
    for (let kind = 0; kind < 30; kind += 1)
      marks = advanced(marks, { mark: mark(5, { of: `kind ${kind}` }), from: null });

    expect(marks).toHaveLength(20);
    expect(marks[0]?.of).toBe('kind 29');
  });
});

describe('a full run', () => {
  const first = {
    kind: 'sweep',
    reason: 'there is no good run of these checks in this window to go on from',
    since: null,
    lastSweepAt: null,
    watermark: null,
    stayed: null,
  } as const;

  it('is one of all sessions, or says of which', () => {
    expect(notesOf(first, null)).toEqual([`a full run: ${first.reason}`]);
    expect(notesOf(first, 'sessions with the id 1')).toEqual([
      `a full run of sessions with the id 1, changed or not: ${first.reason}`,
    ]);
  });
});

describe('an incremental run', () => {
  const position = { server: 'server', now: new Date(at(30)) };
  const usual = { damaged: null, fullEvery: 3_600_000 };

  it('looks at what changed since a good mark', () => {
    expect(decide(mark(20), position, usual)).toEqual({ kind: 'changes', mark: mark(20) });
  });

  it.each([
    ['without a mark', undefined, usual, 'no good run', false],
    ['when the mark is of another server', mark(20, { server: 'other' }), usual, 'another server', false],
    ['when the clock went back', mark(31), usual, 'before the watermark', false],
    ['when the last one is too old', mark(20), { ...usual, fullEvery: 60_000 }, `was at ${at(2)}`, true],
    ['when the file is damaged', undefined, { ...usual, damaged: 'x.json: no JSON' }, 'no JSON', false],
  ])('is a full one %s', (_, given, options, reason, isOverdue) => {
    expect(decide(given, position, options)).toEqual({
      kind: 'sweep',
      reason: expect.stringContaining(reason),
      isOverdue,
    });
  });
});

describe('the time until which all can be seen', () => {
  const minute = (number: number) => new Date(at(number));
  const usual = { now: minute(30), in_recovery: false, replayed_until: null, oldest: null, hidden: 0 };

  it.each([
    ['is two minutes ago', {}, minute(28)],
    ['is not held back by a short transaction', { oldest: minute(29) }, minute(28)],
    ['is the begin of the oldest transaction', { oldest: minute(12) }, minute(12)],
    ['is earlier when there are connections of which nothing can be seen', { hidden: 1 }, minute(20)],
    [
      'is, on a replica, ten minutes before what it has replayed',
      { in_recovery: true, replayed_until: minute(25) },
      minute(15),
    ],
    ['is not known on a replica that has replayed nothing', { in_recovery: true }, null],
  ])('%s', (_, more, expected) => {
    expect(settledAt({ ...usual, ...more })).toEqual(expected);
  });
});

describe('what a full run says about those between', () => {
  const before = mark(5).sweep;

  it('passes when none of its new findings lies outside of what changed', () => {
    expect(coverageResult({ findings: {}, unseen: [] }, before)).toMatchObject({
      outcome: 'pass',
      findings: 0,
    });
  });

  it('warns with the number of those that they could not see', () => {
    const unseen = [
      { check: 'lost-answers', count: 2 },
      { check: 'question-count', count: 1 },
    ];

    expect(coverageResult({ findings: {}, unseen }, before)).toMatchObject({
      id: 'incremental-coverage',
      outcome: 'warn',
      findings: 3,
      message: expect.stringMatching(/^3 findings .* could not see: lost-answers 2, question-count 1$/),
    });
  });

  it('proves nothing when there was no full run before', () => {
    expect(coverageResult({ findings: {}, unseen: [] }, null).outcome).toBe('skipped');
  });

  it('is unknown when it could not be compared', () => {
    expect(coverageResult({ problem: new Error('timeout') }, before)).toMatchObject({
      outcome: 'unknown',
      message: expect.stringContaining('timeout'),
    });
  });
});

describe('the file of watermarks', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-watermarks-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives back what was kept, for each environment', async () => {
    const files = watermarkFiles(join(folder, 'new'));
    const swept = mark(5, {
      sweep: {
        snapshotAt: at(2),
        watermark: at(0),
        findings: { a: { count: 1, keys: ['k'] }, b: { count: 9, keys: null } },
      },
    });

    await files.change('staging', () => [swept]);

    expect(files.read('staging')).toEqual({ marks: [swept], damaged: null });
    expect(files.read('prod')).toEqual({ marks: [], damaged: null });
    expect(readdirSync(join(folder, 'new'))).toEqual(['staging.json']);
  });

  it.each([
    ['is no JSON', '{"version":1,'],
    ['is of a later version', JSON.stringify({ version: 2, marks: [] })],
    ['holds something else', '[]'],
    ['lacks a part of a mark', JSON.stringify({ version: 1, marks: [{ ...mark(5), sweep: undefined }] })],
    ['has a time that is none', JSON.stringify({ version: 1, marks: [mark(5, { at: 'yesterday' })] })],
    [
      'has keys that are none',
      JSON.stringify({
        version: 1,
        marks: [mark(5, { sweep: { ...mark(5).sweep, findings: { a: { count: 1, keys: [1 as never] } } } })],
      }),
    ],
  ])('is damaged when it %s, and a good run replaces it', async (_, text) => {
    const file = join(folder, 'staging.json');
    writeFileSync(file, text);
    const files = watermarkFiles(folder);

    expect(files.read('staging')).toEqual({ marks: [], damaged: expect.stringContaining(file) });

    await files.change('staging', (marks) => advanced(marks, { mark: mark(5), from: null }));
    expect(files.read('staging')).toEqual({ marks: [mark(5)], damaged: null });
  });

  it('is moved by one at a time, so that none of many is lost', async () => {
    const files = watermarkFiles(folder);

    await Promise.all(
      Array.from({ length: 12 }, (_, minute) =>
        files.change('staging', (marks) => advanced(marks, { mark: mark(minute), from: null })),
      ),
    );

    expect(files.read('staging').marks).toEqual([mark(11)]);
    expect(JSON.parse(readFileSync(join(folder, 'staging.json'), 'utf8'))).toMatchObject({ version: 1 });
  });
});
