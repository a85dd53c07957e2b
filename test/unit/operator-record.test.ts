import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AuditLog } from '../../src/adapters/audit-log.ts';
import type { AuditContent } from '../../src/lifecycle/audit.ts';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import type { LifecycleEvent } from '../../src/lifecycle/events.ts';
import { makeOperator, type OperatorPorts } from '../../src/main/operator.ts';
import { planOf, SwitchBoard } from '../support/fake-lifecycle.ts';

let board: SwitchBoard;
let events: LifecycleEvent[];
let unrecorded: number;

beforeEach(() => {
  board = new SwitchBoard();
  events = [];
  unrecorded = 0;
});
afterEach(() => rmSync(board.folder, { recursive: true }));

function operatorWith(audit: AuditLog, more: Partial<OperatorPorts> = {}) {
  const environment = {
    fingerprint: async () => ({}),
    name: 'test',
    protected: false,
    withPostgres: async () => {
      throw new Undetermined('there is no database');
    },
  } as unknown as Environment;
  const ports: Partial<OperatorPorts> = {
    environment,
    audit,
    state: board.folder,
    folders: board.folders,
    signal: board.abort.signal,
    emit: (event) => void events.push(event),
    onUnrecorded: () => {
      unrecorded += 1;
    },
    actor: async () => ({ name: 'ada', roles: null }),
    breakGlass: false,
    ...more,
  };
  return makeOperator(ports as OperatorPorts);
}

it('names in the journal of a run what the audit log says of it', async () => {
  const audit = new AuditLog(board.folder);
  const { run } = await operatorWith(audit).run(planOf([]));
  const lines = await board.folders.journal(run).read();
  const [begin, end] = audit.read();
  expect(lines[0]).toMatchObject({ type: 'run.started', audit: { sequence: 1, hash: begin?.hash } });
  expect(lines.at(-1)).toMatchObject({ type: 'audit.entry', sequence: 2, hash: end?.hash });
  expect(unrecorded).toBe(0);
});

it('tells that the end of a run is not on record, as on a full disk, so that no exit code says all is well', async () => {
  class FullDisk extends AuditLog {
    override async append(content: AuditContent) {
      if (content.result !== 'started') throw new Error('ENOSPC: no space left on device');
      return super.append(content);
    }
  }
  await operatorWith(new FullDisk(board.folder)).run(planOf([]));
  expect(unrecorded).toBe(1);
  expect(events).toContainEqual({
    type: 'warning',
    message: expect.stringMatching(/^the end of .* is not on record \(ENOSPC.*: done$/),
  });
});

it('refuses also where the refusal cannot be recorded', async () => {
  class FullDisk extends AuditLog {
    override async append(): Promise<never> {
      throw new Error('ENOSPC: no space left on device');
    }
  }
  const operator = operatorWith(new FullDisk(board.folder), { breakGlass: true });
  await expect(operator.run(planOf([]))).rejects.toThrow('break-glass goes on record');
  expect(events).toContainEqual({
    type: 'warning',
    message: expect.stringMatching(/^the refusal is not on record: ENOSPC/),
  });
});

it('tells a run whose last line is not in its journal', async () => {
  const folders = board.folders;
  const journal = folders.journal.bind(folders);
  folders.journal = (id) => {
    const kept = journal(id);
    return { ...kept, read: async () => (await kept.read()).filter(({ type }) => type !== 'run.finished') };
  };
  await operatorWith(new AuditLog(board.folder)).run(planOf([]));
  expect(unrecorded).toBe(1);
});
