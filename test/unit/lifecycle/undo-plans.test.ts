import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lifecycle/clock.ts';
import type { Snapshot } from '../../../src/lifecycle/environment.ts';
import { type Journal, plansAtWork } from '../../../src/lifecycle/journal.ts';
import { type RevertPorts, undoPlans } from '../../../src/lifecycle/revert.ts';
import { hurriedClock, identityOf, planOf, SwitchBoard, switchOn } from '../../support/fake-lifecycle.ts';

let board: SwitchBoard;
let journal: Journal;
let changes = 0;

beforeEach(async () => {
  board = new SwitchBoard();
  journal = (await board.folders.create(identityOf())).journal;
  changes = 0;
});
afterEach(() => board.remove());

/** A plan as a run would have noted it, with its changes made. */
async function carriedOut(before: Snapshot | undefined, ...names: string[]) {
  const plan = planOf(names.map((name) => switchOn(name)));
  await journal.append({ type: 'plan.made', plan: { ...plan, ...(before !== undefined && { before }) } });
  for (const name of names) {
    const { target, apply, revert, undoneBy } = switchOn(name);
    changes += 1;
    await journal.append({
      type: 'change.started',
      change: changes,
      target,
      apply,
      revert,
      undoneBy,
      deadline: null,
    });
    board.on.set(name, true);
  }
}

async function undo(more: Partial<RevertPorts> = {}) {
  const ports = {
    journal,
    actuator: board.actuator,
    clock: systemClock,
    emit: board.ports().emit,
    revertWithin: 50,
    ...more,
  };
  return undoPlans(plansAtWork(await journal.read()), 'recover', ports);
}

const types = async () => (await journal.read()).map(({ type }) => type);
const proofs = async () =>
  (await journal.read()).flatMap((line) =>
    line.type === 'state.proven' || line.type === 'state.differs' ? [line] : [],
  );

describe('undoing plans', () => {
  it('proves each by the state before it, before an earlier one is undone', async () => {
    await carriedOut({ a: 'off', b: 'off' }, 'a');
    await carriedOut({ a: 'on', b: 'off' }, 'b');

    expect(await undo()).toEqual([]);

    expect(board.log).toEqual(['b off', 'a off']);
    expect((await types()).filter((type) => /^(revert|state)/.test(type))).toEqual([
      'revert.started',
      'revert.verified',
      'state.proven',
      'revert.started',
      'revert.verified',
      'state.proven',
    ]);
    expect(await proofs()).toMatchObject([{ plan: 2, by: 'recover' }, { plan: 1 }]);
    expect(plansAtWork(await journal.read())).toEqual([]);
  });

  it('takes a difference as it is when a person says so, once the reverts are proven', async () => {
    board.beside.set('firewall', 'shut');
    await carriedOut({ a: 'off', firewall: 'open' }, 'a');

    expect(await undo({ acceptsState: true })).toEqual([]);

    expect(board.log).toEqual(['a off']);
    expect(plansAtWork(await journal.read())).toEqual([]);
  });

  it('waits for what is called a state, and not for what stays another one', async () => {
    await carriedOut({ a: 'off', 'cache state': 'running' }, 'a');
    board.beside.set('cache state', 'starting');
    setTimeout(() => board.beside.set('cache state', 'running'), 600);
    expect(await undo({ revertWithin: 20_000 })).toEqual([]);

    await carriedOut({ a: 'off', 'cache container': 'one', 'cache state': 'running' }, 'a');
    board.beside.set('cache container', 'another');
    const clock = hurriedClock();
    const begun = clock.now().getTime();
    const left = await undo({ clock, revertWithin: 20_000 });
    expect(left.map(({ message }) => message)).toEqual(['cache container was one, is another']);
    expect(clock.now().getTime() - begun).toBeLessThan(10_000);
  });

  it('leaves a difference over, in its words, and tries no revert again for it', async () => {
    board.beside.set('firewall', 'shut');
    await carriedOut({ a: 'off', firewall: 'open' }, 'a');

    expect(await undo()).toEqual([
      { target: 'state after switch things', message: 'firewall was open, is shut' },
    ]);

    expect(board.log).toEqual(['a off']);
    expect(await proofs()).toMatchObject([
      { type: 'state.differs', plan: 1, differences: ['firewall was open, is shut'] },
    ]);
    expect(plansAtWork(await journal.read())).toMatchObject([{ number: 1, unproven: true }]);
  });

  it('waits for what takes a moment until it is well', async () => {
    board.beside.set('health', 'starting');
    await carriedOut({ a: 'off', health: 'healthy' }, 'a');
    setTimeout(() => board.beside.set('health', 'healthy'), 300);
    expect(await undo({ revertWithin: 5_000 })).toEqual([]);
    expect(await proofs()).toMatchObject([{ type: 'state.proven' }]);
  });

  it('goes on with an earlier plan when a later one left a difference', async () => {
    board.beside.set('firewall', 'shut');
    await carriedOut(undefined, 'a');
    await carriedOut({ a: 'on', b: 'off', firewall: 'open' }, 'b');
    expect(await undo()).toHaveLength(1);
    expect(board.on.get('a')).toBe(false);
  });

  it('compares nothing of a plan that could not be reverted: that it differs is known', async () => {
    board.failing.add('a off');
    await carriedOut({ a: 'off' }, 'a');
    expect(await undo()).toEqual([{ target: 'switch a', message: 'a off does not work' }]);
    expect(await proofs()).toEqual([]);
    expect(await types()).toContain('revert.failed');
  });

  it('does not take a state that cannot be seen for the one before', async () => {
    await carriedOut({ a: 'off' }, 'a');
    const snapshot = async () => {
      throw new Error('the engine does not answer');
    };
    expect(await undo({ actuator: { ...board.actuator, snapshot } })).toEqual([
      {
        target: 'state after switch things',
        message: 'it could not be compared: the engine does not answer',
      },
    ]);
  });

  it('proves what a crash has left between the revert and the proof, without a further revert', async () => {
    await carriedOut({ a: 'off' }, 'a');
    board.on.set('a', false);
    const outcome = { id: 'switch', title: '', outcome: 'pass', message: '' } as const;
    await journal.append({ type: 'revert.verified', change: 1, by: 'run', outcome });
    expect(await undo()).toEqual([]);
    expect(board.log).toEqual([]);
    expect(await proofs()).toMatchObject([{ type: 'state.proven', plan: 1 }]);
  });

  it('says so when a change has no way back, and goes on', async () => {
    await carriedOut({ a: 'off' }, 'a');
    const plans = plansAtWork(await journal.read()).map((plan) => ({
      ...plan,
      open: plan.open.map((change) => ({ ...change, revert: null })),
    }));
    const ports = { journal, actuator: board.actuator, clock: systemClock, emit: () => undefined };
    expect(await undoPlans(plans, 'recover', ports)).toEqual([
      { target: 'switch a', message: 'it has no way back' },
    ]);
    expect(await proofs()).toEqual([]);
  });
});

it('makes an attempt also when the journal took longer than a revert may', async () => {
  await carriedOut({ a: 'off' }, 'a');
  const append: Journal['append'] = async (entry) => {
    await systemClock.sleep(100);
    return journal.append(entry);
  };
  expect(await undo({ journal: { ...journal, append } })).toEqual([]);
  expect(board.on.get('a')).toBe(false);
});
