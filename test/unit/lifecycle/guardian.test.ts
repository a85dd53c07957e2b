import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guard } from '../../../src/lifecycle/guardian.ts';
import type { Journal } from '../../../src/lifecycle/journal.ts';
import { openChanges } from '../../../src/lifecycle/journal.ts';
import { recoverRun } from '../../../src/lifecycle/recover.ts';
import { identityOf, planOf, SwitchBoard, switchOn } from '../../support/fake-lifecycle.ts';

let board: SwitchBoard;
let journal: Journal;
let halted: boolean;

beforeEach(async () => {
  board = new SwitchBoard();
  halted = false;
  journal = (await board.folders.create(identityOf())).journal;
});
afterEach(() => board.remove());

const soon = {
  now: () => new Date(),
  sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 1)),
  deadline: (milliseconds: number) => AbortSignal.timeout(milliseconds),
};

function ports(runIsAlive: () => boolean) {
  const isHalted = async () => halted;
  const emit = () => undefined;
  return { journal, actuator: board.actuator, clock: soon, emit, runIsAlive, isHalted, revertWithin: 50 };
}

async function begin(
  name: string,
  { deadline = null as string | null, undoneBy = 'guardian' as 'guardian' | 'recover' } = {},
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

  const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
  const finish = () => journal.append({ type: 'run.finished', by: 'run', result: 'done', message: '' });
  const lookedTwice = () => new Promise((resolve) => setTimeout(resolve, 50));

  it('reverts what is temporary while the run lives, when it was halted and does not obey', async () => {
    await begin('a', { deadline: inAnHour() });
    const guarding = guard(ports(() => true));
    await lookedTwice();
    expect(board.log).toEqual([]);
    halted = true;
    await lookedTwice();
    expect(board.log).toEqual(['a off']);
    expect(await journal.read()).toContainEqual(
      expect.objectContaining({ type: 'revert.verified', change: 1, by: 'guardian' }),
    );
    await finish();
    expect(await guarding).toBe('finished by the run');
  });

  it('leaves what is meant to hold as long as its run alone, when the faults are halted', async () => {
    await begin('exam mode', { deadline: null }, 1);
    await begin('fault', { deadline: inAnHour() }, 2);
    halted = true;
    const guarding = guard(ports(() => true));
    await lookedTwice();
    expect(board.log).toEqual(['fault off']);
    await finish();
    await guarding;
  });

  const planned = (name: string, before: Record<string, string>) =>
    journal.append({ type: 'plan.made', plan: { ...planOf([switchOn(name)]), before } });
  const proofs = async () =>
    (await journal.read()).flatMap((line) =>
      line.type === 'state.proven' || line.type === 'state.differs' ? [[line.type, line.by]] : [],
    );

  it('proves that all is as before when the run died between the revert and its proof', async () => {
    await planned('a', { a: 'off' });
    await begin('a');
    board.on.set('a', false);
    const outcome = { id: 'switch', title: '', outcome: 'pass', message: '' } as const;
    await journal.append({ type: 'revert.verified', change: 1, by: 'run', outcome });
    expect(await guard(ports(() => false))).toBe('reverted');
    expect(board.log).toEqual([]);
    expect(await proofs()).toEqual([['state.proven', 'guardian']]);
  });

  it('does not say that it reverted when the state is not as before', async () => {
    board.beside.set('firewall', 'shut');
    await planned('a', { a: 'off', firewall: 'open' });
    await begin('a');
    expect(await guard(ports(() => false))).toBe('not reverted');
    expect(board.on.get('a')).toBe(false);
    expect(await proofs()).toEqual([['state.differs', 'guardian']]);
  });

  it('proves nothing while something of the plan is left to a person', async () => {
    await planned('a', { a: 'off', world: 'off' });
    await begin('a', {}, 1);
    await begin('world', { undoneBy: 'recover' }, 2);
    expect(await guard(ports(() => false))).toBe('reverted');
    expect(board.log).toEqual(['a off']);
    expect(await proofs()).toEqual([]);

    expect(
      await recoverRun(
        'run-1',
        journal,
        ports(() => false),
      ),
    ).toMatchObject({ left: [] });
    expect(await proofs()).toEqual([['state.proven', 'recover']]);
  });

  it('goes on when the journal cannot be read for a moment', async () => {
    await begin('a');
    let reads = 0;
    const read = async () => {
      reads += 1;
      if (reads < 3) throw new Error('EIO: i/o error, read');
      return journal.read();
    };
    expect(await guard({ ...ports(() => false), journal: { ...journal, read } })).toBe('reverted');
    expect(board.on.get('a')).toBe(false);
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
