import { systemClock } from '../lifecycle/clock.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { messageOf, OperationFailed, Undetermined } from '../lifecycle/errors.ts';
import { openChanges } from '../lifecycle/journal.ts';
import { revertDeadline } from '../lifecycle/revert.ts';
import type { OpenRun } from '../lifecycle/run-archive.ts';
import { auditRecorder } from './audit-recorder.ts';
import type { Context } from './context.ts';
import { recoverRuns } from './recover.ts';

type HaltContext = Pick<
  Context,
  | 'archive'
  | 'report'
  | 'openEnvironment'
  | 'operator'
  | 'progress'
  | 'options'
  | 'actor'
  | 'signal'
  | 'audit'
  | 'locks'
>;

const lookEvery = 100;

/** Orders every run of the environment to end its faults, and looks until they are gone; dead runs are recovered. */
export async function runFaultHalt(context: HaltContext): Promise<void> {
  const { archive, actor, options, progress } = context;
  const environment = await context.openEnvironment();
  const { name } = environment;
  const open = archive.open().filter(({ identity }) => identity.environment === name);
  const order = { by: actor, at: new Date().toISOString(), reason: options.reason ?? null };
  const alive = open.filter(({ life }) => life !== 'gone');
  for (const { id } of alive) archive.orderHalt(id, order);
  const begun = performance.now();
  await recordOrders(alive, name, context);
  const halted = [];
  for (const run of alive) {
    progress.start(`ending the faults of ${run.id}`, 5);
    const targets = await untilEnded(run, context);
    halted.push({ run: run.id, targets, seconds: (performance.now() - begun) / 1000 });
    progress.done();
  }
  if (open.some(({ life }) => life === 'gone')) return recoverRuns(undefined, context);
  await requireNoForeignRun(environment, context);
  await context.report({
    kind: 'fault.halt',
    data: { environment: name, halted },
    rows: halted,
    blocks:
      halted.length === 0
        ? [{ type: 'text', text: `No fault holds on ${name}.` }]
        : [
            {
              type: 'list',
              items: halted.map(
                ({ run, targets, seconds }) =>
                  `${run}: ${targets.join(', ') || 'nothing was broken'}, ended within ${seconds.toFixed(1)} s`,
              ),
            },
          ],
  });
}

/** A run of another state folder or machine cannot be ordered from here: to say that no fault holds would be wrong. */
async function requireNoForeignRun(environment: Environment, { archive, locks }: HaltContext): Promise<void> {
  const { ephemeral, name } = environment;
  if (ephemeral !== undefined && !(await ephemeral.isUp())) return;
  const state = await locks(environment).current();
  if (state === null || state.expired || archive.list().includes(state.holder.run)) return;
  const { run, actor, host, pid, operation } = state.holder;
  throw new Undetermined(
    `${operation} of ${actor}@${host} (run ${run}) is at work on ${name}, and its journal is not in this state folder`,
    {
      hint: `on ${host}, with its state folder (--state): examctl fault halt; or end process ${pid} there by SIGTERM: it reverts`,
    },
  );
}

/** What ends must end, whether or not it can be put on record. */
async function recordOrders(
  runs: readonly OpenRun[],
  environment: string,
  context: HaltContext,
): Promise<void> {
  const record = auditRecorder(context, { environment, action: 'fault halt' });
  try {
    for (const { id } of runs) await record('ordered', {}, id);
  } catch (error) {
    context.progress.note(`warning: the halt is not in the audit log: ${messageOf(error)}`);
  }
}

/** What of the run was broken; throws when it still is after the time of a revert. */
async function untilEnded({ id }: OpenRun, { archive, signal }: HaltContext): Promise<readonly string[]> {
  const faults = async () =>
    openChanges(await archive.journal(id).read()).filter(({ deadline }) => deadline !== null);
  const targets = (await faults()).map(({ target }) => target);
  const deadline = performance.now() + 2 * revertDeadline;
  for (;;) {
    const left = await faults();
    if (left.length === 0) return targets;
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      throw new OperationFailed(`still broken: ${left.map(({ target }) => target).join(', ')} (run ${id})`, {
        reverted: false,
        hint: `a person must act now: examctl fault status, examctl runs show ${id}, and when its process is gone: examctl recover ${id}`,
      });
    }
    await systemClock.sleep(lookEvery, signal);
  }
}
