import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guard } from '../../../src/lifecycle/guardian.ts';
import type { Journal } from '../../../src/lifecycle/journal.ts';
import { openChanges } from '../../../src/lifecycle/journal.ts';
import { recoverRun } from '../../../src/lifecycle/recover.ts';
import { identityOf, SwitchBoard, switchOn } from '../../support/fake-lifecycle.ts';

let board: SwitchBoard;
let journal: Journal;
const halted = false;

beforeEach(async () => {
  board = new SwitchBoard();
  journal = (await board.folders.create(identityOf())).journal;
});
afterEach(() => board.remove());

const soon = { now: () => new Date(), sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 1)) };

function ports(runIsAlive: () => boolean) {
  const isHalted = async () => halted;
  return { journal, actuator: board.actuator, clock: soon, emit: () => undefined, runIsAlive, isHalted };
}

async function begin(
  name: string,
  { deadline = null as string | null, undoneBy = 'guardian' as const } = {},
  change = 1,
) {
  const { target, apply, revert } = switchOn(name);
  await journal.append({ type: 'change.started', change, target, apply, revert, undoneBy, deadline });
  board.on.set(name, true);
}

describe('the guardian', () => {
  it('does nothing for a run that finishes', async () => {
    await begin('a');
    setTimeout(
      () => void journal.append({ type: 'run.finished', by: 'run', result: 'done', message: '' }),
      20,
    );
    expect(await guard(ports(() => true))).toBe('finished by the run');
    expect(board.log).toEqual([]);
  });

  it('reverts everything that is open when the run has died, the latest first', async () => {
    await begin('a', {}, 1);
    await begin('b', {}, 2);
    expect(await guard(ports(() => false))).toBe('reverted');
    expect(board.log).toEqual(['b off', 'a off']);
    expect(openChanges(await journal.read())).toEqual([]);
  });

  it('leaves to a person what only recover may undo', async () => {
    const { target, apply, revert } = switchOn('world', 'recover');
    await journal.append({
      type: 'change.started',
      change: 1,
      target,
      apply,
      revert,
      undoneBy: 'recover',
      deadline: null,
    });
    expect(await guard(ports(() => false))).toBe('reverted');
    expect(board.log).toEqual([]);
    expect(openChanges(await journal.read())).toHaveLength(1);
  });

  it('reverts a change whose deadline has passed while the run lives, and once more when that dies', async () => {
    await begin('a', { deadline: new Date(Date.now() - 1).toISOString() });
    let alive = true;
    setTimeout(() => {
      // the late process makes its change after all, and dies
      board.on.set('a', true);
      alive = false;
    }, 50);
    expect(await guard(ports(() => alive))).toBe('reverted');
    expect(board.on.get('a')).toBe(false);
    expect(board.log.length).toBeGreaterThanOrEqual(2);
  });

  it('reverts from a journal whose last line was cut off', async () => {
    const { appendFileSync } = await import('node:fs');
    await begin('a');
    appendFileSync(
      `${board.folders.path('run-1')}/journal.ndjson`,
      '{"at":"2026-11-22T10:00:00Z","type":"change.st',
    );
    expect(await guard(ports(() => false))).toBe('reverted');
    expect(board.on.get('a')).toBe(false);
  });
});

describe('recover', () => {
  it('undoes what a dead run has left, also what a guardian leaves to a person', async () => {
    await begin('a', {}, 1);
    const recovery = await recoverRun(
      'run-1',
      journal,
      ports(() => false),
    );
    expect(recovery).toMatchObject({ open: ['switch a'], left: [] });
    expect(board.on.get('a')).toBe(false);
  });

  it('can be called again', async () => {
    await begin('a', {}, 1);
    await recoverRun(
      'run-1',
      journal,
      ports(() => false),
    );
    expect(
      await recoverRun(
        'run-1',
        journal,
        ports(() => false),
      ),
    ).toMatchObject({ open: [], left: [] });
  });
});
