import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupted, OperationFailed, Refused } from '../../../src/lifecycle/errors.ts';
import { openChanges, runFinish } from '../../../src/lifecycle/journal.ts';
import { runOperation } from '../../../src/lifecycle/operation.ts';
import { withRun } from '../../../src/lifecycle/run.ts';
import { hurriedClock, identityOf, planOf, SwitchBoard, switchOn } from '../../support/fake-lifecycle.ts';

let board: SwitchBoard;

beforeEach(() => {
  board = new SwitchBoard();
});
afterEach(() => board.remove());

const journal = () => board.folders.journal('run-1').read();

function atTheHold(action: () => void) {
  return board.ports({
    emit: (event) => {
      if (event.type === 'hold.started') setImmediate(action);
    },
  });
}

describe('a run', () => {
  it('performs what was authorized, and the parts of it, and nothing else', async () => {
    const authorized = {
      ...planOf([]),
      parts: [{ operation: 'switch things', title: 'switches', effect: 'undone' }],
    };
    const other = { ...planOf([switchOn('b')]), operation: 'format the disk' };
    const ports = board.ports({ authorized });
    await withRun(identityOf(), ports, async (run) => {
      await run.keep(await run.perform(planOf([switchOn('a')])));
      await expect(run.perform(other)).rejects.toThrow(/no part of what was authorized/);
    });
    expect(board.log).toEqual(['a on']);
  });
});

describe('an operation', () => {
  it('keeps changes that are meant to stay', async () => {
    const result = await runOperation(planOf([switchOn('a')]), identityOf(), board.ports());
    expect(result.kept).toBe(true);
    expect(board.on.get('a')).toBe(true);
    expect(openChanges(await journal())).toEqual([]);
  });

  it('reverts temporary changes in reverse order after the hold, and proves it', async () => {
    await runOperation(planOf([switchOn('a'), switchOn('b')], 0.01), identityOf(), board.ports());
    expect(board.log).toEqual(['a on', 'b on', 'b off', 'a off']);
    const lines = await journal();
    expect(lines.filter(({ type }) => type === 'revert.verified')).toHaveLength(2);
    expect(runFinish(lines)).toMatchObject({ by: 'run', result: 'done' });
  });

  it('has each revert in the journal before the change is made', async () => {
    const seen: boolean[] = [];
    const ports = board.ports();
    const apply = ports.actuator.apply;
    const watching = {
      ...ports.actuator,
      apply: async (...[action, signal]: Parameters<typeof apply>) => {
        const announced = (await journal()).some(
          (line) =>
            line.type === 'change.started' && line.apply.switch === action.switch && line.revert !== null,
        );
        seen.push(announced);
        return apply(action, signal);
      },
    };
    await runOperation(planOf([switchOn('a'), switchOn('b')]), identityOf(), {
      ...ports,
      actuator: watching,
    });
    expect(seen).toEqual([true, true]);
  });

  it('reverts what it has done when a later change fails, and says that it is reverted', async () => {
    board.failing.add('b on');
    const operation = runOperation(planOf([switchOn('a'), switchOn('b')]), identityOf(), board.ports());
    await expect(operation).rejects.toMatchObject({ name: 'OperationFailed', exitCode: 5 });
    expect(board.on.get('a')).toBe(false);
    expect(runFinish(await journal())).toMatchObject({ result: 'failed-reverted' });
    expect(board.folders.open()).toEqual([]);
  });

  it('takes a change whose effect cannot be seen for failed', async () => {
    board.hidden.add('a on');
    const operation = runOperation(planOf([switchOn('a')]), identityOf(), board.ports());
    await expect(operation).rejects.toThrow(/it is dark/);
    expect(board.on.get('a')).toBe(false);
  });

  it('stays open, and asks for a person, when a revert cannot be proven', async () => {
    board.failing.add('a off');
    const operation = runOperation(
      planOf([switchOn('a')], 0),
      identityOf(),
      board.ports({ clock: hurriedClock() }),
    );
    const error = await operation.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OperationFailed);
    expect(error).toMatchObject({ exitCode: 6, hint: expect.stringContaining('examctl recover run-1') });
    expect(board.folders.open().map(({ id }) => id)).toEqual(['run-1']);
  });

  it('stays open, and says what differs, when all is reverted and the state is not as before', async () => {
    board.beside.set('firewall', 'open');
    const plan = { ...planOf([switchOn('a')], 0), before: { firewall: 'open', a: 'off' } };
    const operation = runOperation(plan, identityOf(), {
      ...atTheHold(() => board.beside.set('firewall', 'shut')),
      clock: hurriedClock(),
    });
    const error = await operation.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'OperationFailed',
      exitCode: 6,
      message: 'switch things left something behind: state after switch things (firewall was open, is shut)',
    });
    expect(board.on.get('a')).toBe(false);
    expect(runFinish(await journal())).toMatchObject({ result: 'failed-not-reverted' });
    expect(board.folders.open()).toHaveLength(1);
  });

  it('has the proof of the state before in its journal, and proves it once', async () => {
    const plan = { ...planOf([switchOn('a')], 0), before: { a: 'off' } };
    await runOperation(plan, identityOf(), board.ports());
    const proofs = (await journal()).filter(({ type }) => type === 'state.proven');
    expect(proofs).toMatchObject([{ plan: 1, by: 'run' }]);
    expect(board.events.filter(({ type }) => type === 'proof.done')).toHaveLength(1);
  });

  it('reverts when it is interrupted during the hold', async () => {
    const interrupt = new Interrupted('SIGINT');
    const operation = runOperation(
      planOf([switchOn('a')], 60),
      identityOf(),
      atTheHold(() => board.abort.abort(interrupt)),
    );
    await expect(operation).rejects.toBe(interrupt);
    expect(board.on.get('a')).toBe(false);
    expect(runFinish(await journal())).toMatchObject({ result: 'interrupted' });
  });

  it('reverts when its guardian dies, as nobody would revert if it died too', async () => {
    const operation = runOperation(
      planOf([switchOn('a')], 60),
      identityOf(),
      atTheHold(() => board.guardianLost.abort()),
    );
    await expect(operation).rejects.toThrow(/guardian/);
    expect(board.on.get('a')).toBe(false);
  });

  it('changes nothing when the guardian does not start', async () => {
    const startGuardian = async () => {
      throw new OperationFailed('no guardian', { reverted: true });
    };
    const operation = runOperation(planOf([switchOn('a')]), identityOf(), board.ports({ startGuardian }));
    await expect(operation).rejects.toThrow('no guardian');
    expect(board.log).toEqual([]);
  });

  it('changes nothing when the journal cannot be written', async () => {
    const ports = board.ports();
    const openRunFolder: typeof ports.openRunFolder = async (identity) => {
      const folder = await ports.openRunFolder(identity);
      const append = async (entry: Parameters<typeof folder.journal.append>[0]) => {
        if (entry.type === 'change.started')
          throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
        return folder.journal.append(entry);
      };
      return { ...folder, journal: { ...folder.journal, append } };
    };
    const operation = runOperation(planOf([switchOn('a')]), identityOf(), { ...ports, openRunFolder });
    await expect(operation).rejects.toThrow(/ENOSPC/);
    expect(board.log).toEqual([]);
  });

  it('reverts although the journal cannot be written any more', async () => {
    const ports = board.ports();
    const openRunFolder: typeof ports.openRunFolder = async (identity) => {
      const folder = await ports.openRunFolder(identity);
      const append = async (entry: Parameters<typeof folder.journal.append>[0]) => {
        if (entry.type === 'change.applied' || entry.type.startsWith('revert')) throw new Error('ENOSPC');
        return folder.journal.append(entry);
      };
      return { ...folder, journal: { ...folder.journal, append } };
    };
    await runOperation(planOf([switchOn('a')]), identityOf(), { ...ports, openRunFolder }).catch(
      () => undefined,
    );
    expect(board.on.get('a')).toBe(false);
    expect(board.events.some((event) => event.type === 'warning' && event.message.includes('ENOSPC'))).toBe(
      true,
    );
  });

  it('reverts although the journal cannot be read any more', async () => {
    const ports = board.ports();
    const openRunFolder: typeof ports.openRunFolder = async (identity) => {
      const folder = await ports.openRunFolder(identity);
      const read = async () => {
        if (board.on.get('b')) throw new Error('EIO: i/o error, read');
        return folder.journal.read();
      };
      return { ...folder, journal: { ...folder.journal, read } };
    };
    await withRun(identityOf(), { ...ports, openRunFolder }, async (run) => {
      await run.keep(await run.perform(planOf([switchOn('a')])));
      await run.perform(planOf([switchOn('b')]));
    }).catch(() => undefined);
    expect(board.log).toEqual(['a on', 'b on', 'b off']);
    expect(board.events).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringContaining('EIO') }),
    );
  });

  it('is proven plan by plan, also when the journal cannot be read any more', async () => {
    const ports = board.ports({ revertWithin: 20 });
    let isLost = false;
    const openRunFolder: typeof ports.openRunFolder = async (identity) => {
      const folder = await ports.openRunFolder(identity);
      const read = async () => {
        if (isLost) throw new Error('EIO: i/o error, read');
        return folder.journal.read();
      };
      return { ...folder, journal: { ...folder.journal, read } };
    };
    for (const name of ['a', 'b', 'kept']) board.on.set(name, false);
    await withRun(identityOf(), { ...ports, openRunFolder }, async (run) => {
      await run.keep(await run.perform(planOf([switchOn('kept')])));
      await run.perform({ ...planOf([switchOn('a')]), before: { a: 'off', b: 'off', kept: 'on' } });
      await run.revert(
        await run.perform({ ...planOf([switchOn('b')]), before: { a: 'on', b: 'off', kept: 'on' } }),
      );
      await run.perform({ ...planOf([switchOn('b')]), before: { a: 'on', b: 'off', kept: 'on' } });
      isLost = true;
    });
    expect(board.log).toEqual(['kept on', 'a on', 'b on', 'b off', 'b on', 'b off', 'a off']);
  });

  it('reverts after the hold although what watches it has failed at once', async () => {
    const operation = runOperation(planOf([switchOn('a')], 0.1), identityOf(), board.ports(), async () => {
      throw new Error('nothing to be seen');
    });
    await expect(operation).rejects.toThrow('nothing to be seen');
    expect(board.on.get('a')).toBe(false);
  });

  it('is refused while another run holds the run lock, and says who', async () => {
    await withRun(identityOf('run-0'), board.ports(), async () => {
      const operation = runOperation(planOf([switchOn('a')]), identityOf(), board.ports());
      await expect(operation).rejects.toBeInstanceOf(Refused);
      await expect(operation).rejects.toThrow(/tester@here .*run-0/);
    });
    expect(board.log).toEqual([]);
  });

  it('does not believe in a change that its guardian has begun to revert', async () => {
    const ports = board.ports();
    const apply: typeof ports.actuator.apply = async (action, signal) => {
      await ports.actuator.apply(action, signal);
      if (action.on)
        await board.folders.journal('run-1').append({ type: 'revert.started', change: 1, by: 'guardian' });
    };
    const operation = runOperation(planOf([switchOn('a')]), identityOf(), {
      ...ports,
      actuator: { ...ports.actuator, apply },
    });
    await expect(operation).rejects.toThrow(/late/);
    expect(board.on.get('a')).toBe(false);
  });
});

describe('a run of several plans', () => {
  it('reverts at its end whatever was not kept, the latest first', async () => {
    await withRun(identityOf(), board.ports(), async (run) => {
      await run.perform(planOf([switchOn('a')]));
      await run.keep(await run.perform(planOf([switchOn('b')])));
      await run.perform(planOf([switchOn('c')]));
    });
    expect(board.log).toEqual(['a on', 'b on', 'c on', 'c off', 'a off']);
  });

  it('leaves earlier plans alone when a later one fails', async () => {
    board.failing.add('b on');
    await withRun(identityOf(), board.ports(), async (run) => {
      await run.perform(planOf([switchOn('a')]));
      await expect(run.perform(planOf([switchOn('b')]))).rejects.toThrow();
      expect(board.on.get('a')).toBe(true);
    });
    expect(board.on.get('a')).toBe(false);
  });

  it('proves each plan by the state before it', async () => {
    for (const name of ['a', 'b']) board.on.set(name, false);
    await withRun(identityOf(), board.ports({ revertWithin: 20 }), async (run) => {
      await run.perform({ ...planOf([switchOn('a')]), before: { a: 'off', b: 'off' } });
      await run.perform({ ...planOf([switchOn('b')]), before: { a: 'on', b: 'off' } });
    });
    const proofs = (await journal()).flatMap((line) => (line.type === 'state.proven' ? [line.plan] : []));
    expect(proofs).toEqual([2, 1]);
  });

  it('reverts when what it does throws a bug', async () => {
    const work = withRun(identityOf(), board.ports(), async (run) => {
      await run.perform(planOf([switchOn('a')]));
      throw new TypeError('a bug');
    });
    await expect(work).rejects.toThrow('a bug');
    expect(board.on.get('a')).toBe(false);
  });
});
