import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunFolders } from '../../../src/adapters/run-folders.ts';
import {
  type JournalEntry,
  type JournalLine,
  openChanges,
  parseJournal,
  runFinish,
} from '../../../src/lifecycle/journal.ts';
import type { Outcome } from '../../../src/lifecycle/outcome.ts';
import { identityOf } from '../../support/fake-lifecycle.ts';

const line = (entry: JournalEntry): JournalLine => ({ at: '2026-11-22T10:00:00.000Z', ...entry });
const started = (change: number) =>
  line({
    type: 'change.started',
    change,
    target: `switch ${change}`,
    apply: { kind: 'switch', on: true },
    revert: { kind: 'switch', on: false },
    undoneBy: 'guardian',
    deadline: null,
  });
const reverted = (change: number, outcome: Outcome = 'pass') =>
  line({
    type: 'revert.verified',
    change,
    by: 'run',
    outcome: { id: 'switch', title: '', outcome, message: '' },
  });
const open = (...lines: JournalLine[]) => openChanges(lines).map(({ change }) => change);

describe('open changes', () => {
  it('are those that were begun, the latest first', () => {
    expect(open(started(1), started(2))).toEqual([2, 1]);
  });

  it('are there from the announcement on, whether or not the change was made', () => {
    expect(open(started(1))).toEqual([1]);
    expect(open(started(1), line({ type: 'change.applied', change: 1 }))).toEqual([1]);
  });

  it('are closed by being kept', () => {
    expect(open(started(1), started(2), line({ type: 'change.kept', change: 1 }))).toEqual([2]);
  });

  it('are closed by a revert that was proven, not by one that was begun, failed or not seen', () => {
    expect(open(started(1), reverted(1))).toEqual([]);
    expect(open(started(1), line({ type: 'revert.started', change: 1, by: 'run' }))).toEqual([1]);
    expect(open(started(1), line({ type: 'revert.failed', change: 1, by: 'run', message: '' }))).toEqual([1]);
    for (const outcome of ['fail', 'unknown', 'warn', 'skipped'] as const)
      expect(open(started(1), reverted(1, outcome)), outcome).toEqual([1]);
  });
});

describe('the end of a run', () => {
  const finished = (by: 'guardian' | 'recover') =>
    line({ type: 'run.finished', by, result: 'interrupted', message: '' });

  it('is unknown while nobody has written it', () => {
    expect(runFinish([started(1)])).toBeUndefined();
  });

  it('is the last that was written', () => {
    expect(runFinish([finished('guardian'), finished('recover')])).toMatchObject({ by: 'recover' });
  });
});

describe('a journal file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-journal-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives back what was written, with the time', async () => {
    const { journal } = await new RunFolders(folder).create(identityOf('run-1'));
    await journal.append({ type: 'change.applied', change: 7 });
    const [begin, read] = await journal.read();
    expect(begin).toMatchObject({ type: 'run.started', run: 'run-1' });
    expect(read).toMatchObject({ type: 'change.applied', change: 7 });
    expect(Date.parse(read?.at ?? '')).toBeGreaterThan(Date.now() - 60_000);
  });

  it('is empty before its first line', async () => {
    expect(await new RunFolders(folder).journal('run-1').read()).toEqual([]);
  });

  it('can be read and continued after a crash has cut its last line off', async () => {
    const { journal, path } = await new RunFolders(folder).create(identityOf('run-1'));
    await journal.append({ type: 'change.applied', change: 1 });
    appendFileSync(join(path, 'journal.ndjson'), '{"at":"2026-11-22T10:00:00.000Z","type":"change.sta');
    await journal.append({ type: 'change.applied', change: 2 });
    expect((await journal.read()).flatMap((read) => ('change' in read ? [read.change] : []))).toEqual([1, 2]);
    expect(parseJournal(readFileSync(join(path, 'journal.ndjson'), 'utf8')).broken).toEqual([3]);
    expect(await journal.damage()).toBe(null);
  });

  it('keeps every line when several processes write at once', async () => {
    await new RunFolders(folder).create(identityOf('run-1'));
    const changes = Array.from({ length: 30 }, (_, index) => index + 1);
    await Promise.all(
      changes.map((change) =>
        new RunFolders(folder).journal('run-1').append({ type: 'change.applied', change }),
      ),
    );
    const read = await new RunFolders(folder).journal('run-1').read();
    const written = read.flatMap((one) => ('change' in one ? [one.change] : []));
    expect(written.sort((a, b) => a - b)).toEqual(changes);
  });

  it('says that lines of it are damaged when no crash explains them', async () => {
    const { journal, path } = await new RunFolders(folder).create(identityOf('run-1'));
    appendFileSync(join(path, 'journal.ndjson'), 'garbage\n');
    await journal.append({ type: 'change.applied', change: 2 });
    expect(await journal.damage()).toBe('damaged lines: 2');
  });
});
