import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { actuatorFor } from '../actions/index.ts';
import { AuditLog } from '../adapters/audit-log.ts';
import { isAlive } from '../adapters/processes.ts';
import { RunFolders } from '../adapters/run-folders.ts';
import { systemClock } from '../lifecycle/clock.ts';
import { messageOf } from '../lifecycle/errors.ts';
import type { LifecycleEvent } from '../lifecycle/events.ts';
import { guard } from '../lifecycle/guardian.ts';
import { isGone } from './fingerprint.ts';
import { environmentOfOwnFlags, ownFlagOptions } from './open-environment.ts';
import { runLocksOf } from './run-locks.ts';

/** Milliseconds that a run has to obey an order to halt before its guardian does. */
const obeysWithin = 1_000;

/** `examctl internal guardian`: watches one run from a process of its own. */
export async function runGuardian(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { ...ownFlagOptions, run: { type: 'string', default: '' } },
  });
  const { state, run } = values;
  // the terminal of the run may close, and Ctrl-C is for the run: the guardian ends by itself when the run has
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const)
    process.on(signal, () => log(`ignoring ${signal}`));
  const folders = new RunFolders(state);
  const mark = folders.mark(run);
  const journal = folders.journal(run);
  const environment = await environmentOfOwnFlags(values, {
    signal: new AbortController().signal,
    onProgress: log,
  });
  const actuator = actuatorFor({ environment, reason: `revert by the guardian of run ${run}` });
  await journal.append({ type: 'guardian.ready', pid: process.pid });
  const end = await guard({
    journal,
    actuator,
    clock: systemClock,
    emit: (event) => log(JSON.stringify(event satisfies LifecycleEvent)),
    isHalted: async () => {
      const order = folders.haltOf(run);
      return order !== undefined && Date.now() - Date.parse(order.at) > obeysWithin;
    },
    runIsAlive: () => mark.process !== null && isAlive(mark.process),
    isGone: () => isGone(mark.identity, environment),
  });
  log(`the end: ${end}`);
  if (end === 'finished by the run') return;
  const result = end === 'not reverted' ? 'failed-not-reverted' : 'interrupted';
  const message =
    end === 'gone'
      ? `${environment.name} is not there any more, and what was open in it went with it`
      : `the process of the run died; its guardian says: ${end}`;
  // each on its own: a full disk must not keep the lock, nor a lock the record
  // in this order: who reads that the run is over may take the lock
  await orLog('the run lock', runLocksOf(environment, state).forceRelease(run));
  await orLog('the journal', journal.append({ type: 'run.finished', by: 'guardian', result, message }));
  if (end === 'gone') folders.close(run);
  const { actor, operation, reason } = mark.identity;
  const record = async () => {
    const { sequence, hash } = await new AuditLog(state).append({
      at: new Date().toISOString(),
      actor,
      host: hostname(),
      environment: environment.name,
      action: operation,
      run,
      reason,
      breakGlass: false,
      result: message,
      details: {},
    });
    await journal.append({ type: 'audit.entry', sequence, hash });
  };
  await orLog('the audit log', record());
}

async function orLog(what: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    log(`${what} could not be brought up to date: ${messageOf(error)}`);
  }
}

function log(text: string): void {
  process.stdout.write(`${new Date().toISOString()} ${text}\n`);
}
