import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunFolders } from '../../src/adapters/run-folders.ts';
import type { RunIdentity } from '../../src/lifecycle/run.ts';
import { nothingLeft } from '../../src/main/nothing-left.ts';
import { noteOrphans, onLeaving } from '../../src/main/orphans.ts';
import { identityOf } from '../support/fake-lifecycle.ts';

let folder: string;
let archive: RunFolders;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-orphans-'));
  archive = new RunFolders(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

async function openRun(id: string, more: Partial<RunIdentity> = {}) {
  return archive.create({ ...identityOf(id), ...more });
}

/** as if the process had died, and its pid had gone to another one */
function die(id: string): void {
  const file = join(folder, 'open', `${id}.json`);
  const mark = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...mark, process: { ...mark.process, startTime: 'another' } }));
}

async function notes(): Promise<string[]> {
  const said: string[] = [];
  const quiet = () => undefined;
  await noteOrphans({
    archive,
    progress: {
      start: quiet,
      update: quiet,
      done: quiet,
      end: quiet,
      note: (text: string) => said.push(text),
    },
  } as Parameters<typeof noteOrphans>[0]);
  return said;
}

describe('a run whose process died', () => {
  it('is named by every command, with who, what, where and the way out', async () => {
    const { journal } = await openRun('run-1');
    const change = { change: 1, target: 'switch a', undoneBy: 'guardian', deadline: null } as const;
    const apply = { kind: 'switch' };
    await journal.append({ ...change, type: 'change.started', apply, revert: apply });
    die('run-1');
    expect(await notes()).toEqual([
      'warning: run run-1 (switch things on test, by tester) ended without having undone all of it; see what is left and undo it: examctl recover',
    ]);
  });

  it('is not named when it had changed nothing', async () => {
    await openRun('run-1');
    die('run-1');
    expect(await notes()).toEqual([]);
  });

  it('is not named while it lives, nor once it is closed', async () => {
    await openRun('run-1');
    const { close } = await openRun('run-2');
    die('run-2');
    await close();
    expect(await notes()).toEqual([]);
  });

  it.each([
    ['is empty', ''],
    ['is garbage', '\u0000\u0001\n%%%\n'],
  ])('may have left anything when its journal %s', async (_, text) => {
    await openRun('run-1');
    writeFileSync(join(archive.path('run-1'), 'journal.ndjson'), text);
    const [open] = archive.open();
    if (open === undefined) throw new Error('it is not open');
    expect(await nothingLeft(open, archive)).toBe(false);
    expect(await archive.journal('run-1').damage()).toContain('missing');
  });

  it('has left nothing when it had not begun, or when its guardian reverted and finished it', async () => {
    const { journal } = await openRun('run-1');
    const [open] = archive.open();
    if (open === undefined) throw new Error('it is not open');
    expect(await nothingLeft(open, archive)).toBe(true);
    const revert = { kind: 'switch', on: false };
    const change = { change: 1, target: 'switch a', undoneBy: 'guardian', deadline: null } as const;
    await journal.append({ ...change, type: 'change.started', apply: { kind: 'switch' }, revert });
    expect(await nothingLeft(open, archive)).toBe(false);
    const outcome = { id: 'x', title: '', outcome: 'pass', message: '' } as const;
    await journal.append({ type: 'revert.verified', change: 1, by: 'guardian', outcome });
    expect(await nothingLeft(open, archive)).toBe(false);
    await journal.append({ type: 'run.finished', by: 'guardian', result: 'interrupted', message: '' });
    expect(await nothingLeft(open, archive)).toBe(true);
  });
});

describe('whoever leaves without waiting for the reverts', () => {
  it('is told which run is still open and how to recover it, and not by the code that says reverted', async () => {
    await openRun('run-1');
    await openRun('run-of-another-process', { pid: 1 });
    const { text, exitCode } = onLeaving({ archive });
    expect(text).toMatch(/run run-1 \(switch things\) is still open on test/);
    expect(text).toContain('examctl recover run-1');
    expect(text).not.toContain('run-of-another-process');
    expect(exitCode).toBe(6);
  });

  it('is told that nothing was open when nothing was', () => {
    expect(onLeaving({ archive })).toEqual({ text: 'left at once; no run was open\n', exitCode: 130 });
  });
});
