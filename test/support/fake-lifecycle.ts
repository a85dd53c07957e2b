import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunFolders } from '../../src/adapters/run-folders.ts';
import { runLockInFile } from '../../src/adapters/run-lock-file.ts';
import type { Actuator } from '../../src/lifecycle/actuator.ts';
import { type Clock, systemClock } from '../../src/lifecycle/clock.ts';
import type { LifecycleEvent } from '../../src/lifecycle/events.ts';
import { type Action, type Change, makePlan, type Plan } from '../../src/lifecycle/plan.ts';
import type { RunIdentity, RunPorts } from '../../src/lifecycle/run.ts';

/** Time passes by as much as is slept, at once. */
export function hurriedClock(): Clock {
  let now = Date.now();
  const deadlines: { at: number; controller: AbortController }[] = [];
  return {
    now: () => new Date(now),
    sleep: async (milliseconds) => {
      now += milliseconds;
      await new Promise((resolve) => setImmediate(resolve));
      for (const { at, controller } of deadlines) if (at <= now) controller.abort();
    },
    deadline: (milliseconds) => {
      const controller = new AbortController();
      deadlines.push({ at: now + milliseconds, controller });
      return controller.signal;
    },
  };
}

/** A system of named switches, with real journals and locks in a folder of its own. */
export class SwitchBoard {
  readonly folder = mkdtempSync(join(tmpdir(), 'examctl-lifecycle-'));
  readonly folders = new RunFolders(this.folder);
  readonly on = new Map<string, boolean>();
  readonly log: string[] = [];
  readonly events: LifecycleEvent[] = [];
  readonly abort = new AbortController();
  /** actions that throw, as "b on" */
  readonly failing = new Set<string>();
  /** switches whose state cannot be seen */
  readonly hidden = new Set<string>();
  /** what differs from look to look, beside the switches */
  readonly beside = new Map<string, string>();
  guardianLost = new AbortController();

  readonly actuator: Actuator = {
    describe: (action) => nameOf(action),
    apply: async (action) => {
      this.log.push(nameOf(action));
      if (this.failing.has(nameOf(action))) throw new Error(`${nameOf(action)} does not work`);
      this.on.set(String(action.switch), action.on === true);
    },
    verify: async (action) => {
      const base = { id: 'switch', title: `${String(action.switch)} is ${action.on ? 'on' : 'off'}` };
      if (this.hidden.has(nameOf(action))) return { ...base, outcome: 'unknown', message: 'it is dark' };
      const seen = this.on.get(String(action.switch)) ?? false;
      return { ...base, outcome: seen === action.on ? 'pass' : 'fail', message: seen ? 'on' : 'off' };
    },
    snapshot: async () => ({
      ...Object.fromEntries([...this.on].map(([name, on]) => [name, on ? 'on' : 'off'])),
      ...Object.fromEntries(this.beside),
    }),
  };

  ports(overrides: Partial<RunPorts> = {}): RunPorts {
    return {
      locks: runLockInFile(this.folder, 'test'),
      openRunFolder: (identity) => this.folders.create(identity),
      startGuardian: async () => ({
        pid: 1,
        lost: this.guardianLost.signal,
        farewell: async () => undefined,
      }),
      actuator: this.actuator,
      clock: systemClock,
      emit: (event) => void this.events.push(event),
      signal: this.abort.signal,
      ...overrides,
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function nameOf(action: Action): string {
  return `${String(action.switch)} ${action.on ? 'on' : 'off'}`;
}

export function switchOn(name: string, undoneBy: Change['undoneBy'] = 'guardian'): Change {
  return {
    target: `switch ${name}`,
    before: 'off',
    after: 'on',
    apply: { kind: 'switch', switch: name, on: true },
    revert: { kind: 'switch', switch: name, on: false },
    undoneBy,
    seconds: 1,
  };
}

export function planOf(changes: readonly Change[], holdSeconds: number | null = null): Plan {
  return makePlan({
    operation: 'switch things',
    environment: 'test',
    parameters: {},
    impact: { sessionsInProgress: 0, lastEndsAt: null, disruptive: false, text: 'none' },
    changes,
    holdSeconds,
    steadyState: [],
  });
}

export function identityOf(id = 'run-1'): RunIdentity {
  return {
    id,
    operation: 'switch things',
    environment: 'test',
    actor: 'tester',
    host: 'here',
    pid: process.pid,
    reason: null,
  };
}
