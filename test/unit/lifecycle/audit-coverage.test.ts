import { describe, expect, it } from 'vitest';
import { type AuditEntry, chain } from '../../../src/lifecycle/audit.ts';
import { type RecordedRun, verifyRuns } from '../../../src/lifecycle/audit-coverage.ts';
import type { JournalLine } from '../../../src/lifecycle/journal.ts';

const at = '2026-11-22T10:00:00.000Z';
const later = new Date('2026-11-22T10:05:00.000Z');

/** A log with the beginning and the end of run-1. */
function logOf(...results: readonly string[]): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (const result of results) {
    const content = { at, actor: 'ada', host: 'here', environment: 'test', action: 'switch', run: 'run-1' };
    entries.push(chain({ ...content, reason: null, breakGlass: false, result, details: {} }, entries.at(-1)));
  }
  return entries;
}

const log = logOf('started', 'done');
const [begin, end] = log as [AuditEntry, AuditEntry];

function run(more: Partial<RecordedRun> = {}, named: readonly AuditEntry[] = [begin, end]): RecordedRun {
  const identity = { run: 'run-1', operation: 'switch', environment: 'test', actor: 'ada', host: 'here' };
  const lines: JournalLine[] = [
    { at, type: 'run.started', ...identity, pid: 1, reason: null, ...(named[0] && { audit: named[0] }) },
    { at, type: 'run.finished', by: 'run', result: 'done', message: 'done' },
    ...named.slice(1).map(({ sequence, hash }) => ({ at, type: 'audit.entry' as const, sequence, hash })),
  ];
  return { id: 'run-1', lines, damage: null, alive: false, ...more };
}

const verify = (entries: readonly AuditEntry[], runs: readonly RecordedRun[], now = later) =>
  verifyRuns(entries, runs, now);

describe('the audit log, held against the runs', () => {
  it('has each of them from its beginning to its end', () => {
    expect(verify(log, [run()])).toMatchObject({ outcome: 'pass', message: '1 runs, each with its entries' });
  });

  it('was removed, with the note of its head: the runs still know of it', () => {
    expect(verify([], [run()])).toMatchObject({
      outcome: 'fail',
      message: expect.stringContaining('entry 1, 2, which the journal of run run-1 names'),
    });
    expect(verify([], [run({}, [])])).toMatchObject({
      outcome: 'fail',
      message: 'nothing of run run-1 is on record',
    });
  });

  it('was written anew, with a chain that holds', () => {
    expect(verify(logOf('started', 'all is well'), [run()])).toMatchObject({ outcome: 'fail' });
  });

  it('lacks the end of a run, as a full disk leaves it', () => {
    expect(verify([begin], [run({}, [begin])])).toMatchObject({
      outcome: 'fail',
      message: 'the end of run run-1 is not on record',
    });
  });

  it('may just be getting the end of a run', () => {
    expect(verify([begin], [run({}, [begin])], new Date(at))).toMatchObject({ outcome: 'unknown' });
    expect(verify([begin], [run({ alive: true }, [begin])])).toMatchObject({ outcome: 'pass' });
  });

  it('has the end of a run that another one recovered', () => {
    const recovered = { ...end, run: 'run-2', details: { recovers: 'run-1' } };
    expect(verify([begin, recovered], [run({}, [begin])])).toMatchObject({ outcome: 'pass' });
  });

  it('cannot be held against a journal that is damaged', () => {
    expect(verify(log, [run({ damage: 'damaged lines: 2' })])).toMatchObject({ outcome: 'unknown' });
  });

  it('proves nothing where nothing ran', () => {
    expect(verify([], [])).toMatchObject({ outcome: 'skipped' });
  });
});
