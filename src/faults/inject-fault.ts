import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lifecycle/clock.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Plan } from '../lifecycle/plan.ts';
import type { Run } from '../lifecycle/run.ts';
import type { HaltOrder } from '../lifecycle/run-archive.ts';
import { untilSteady } from '../probes/until-steady.ts';
import type { FaultDefinition } from './fault.ts';
import { judgeFault } from './judge-fault.ts';
import type { Values } from './parameters.ts';
import { Pulse, type Window } from './pulse.ts';
import { parseStopCondition, type StopCondition } from './stop-condition.ts';
import { type Stop, watchFault } from './watch-fault.ts';

export interface InjectionRequest {
  readonly fault: FaultDefinition;
  readonly values: Values;
  readonly plan: Plan;
  /** instead of the fault's own */
  readonly stopIf?: readonly StopCondition[];
  /** in which the platform has to be steady again */
  readonly recoverySeconds: number;
  /** of watching before the fault, and after the platform is steady again */
  readonly quietSeconds: number;
}

export interface InjectionPorts {
  readonly environment: Environment;
  readonly run: Run;
  readonly clock: Clock;
  readonly halted: () => HaltOrder | undefined;
  readonly onProgress: (text: string, seconds: number) => void;
  readonly onNote: (text: string) => void;
}

/** A fault as it went: evidence. Times are ISO 8601. */
export interface FaultRecord {
  readonly fault: string;
  readonly title: string;
  readonly expectation: string;
  readonly values: Values;
  /** the change was begun, was proven to be there, was begun to be undone, was proven to be undone */
  readonly begunAt: string;
  readonly effectAt: string;
  readonly endedAt: string;
  readonly revertedAt: string;
  /** null: the steady state was not seen again */
  readonly steadyAt: string | null;
  /** from the end of the disturbance, of a momentary one from its beginning, until the steady state was seen */
  readonly recoverySeconds: number | null;
  readonly stopped: Stop | null;
  readonly before: Window;
  readonly during: Window;
  readonly after: Window;
  readonly steadyAfter: readonly OutcomeRecord[];
  readonly verdict: OutcomeRecord;
}

/**
 * Makes one fault, watches while it holds, undoes it, proves that, waits for the steady state and judges what was seen.
 * Throws when it could not be made or not be undone; what is open then is the run's to revert.
 */
export async function injectFault(request: InjectionRequest, ports: InjectionPorts): Promise<FaultRecord> {
  const { fault, plan, values } = request;
  const quiet = request.quietSeconds * 1_000;
  const { environment, clock, run } = ports;
  const pulse = new Pulse(environment, await studentsFor(fault, values, environment));
  pulse.start();
  try {
    const watchedFrom = clock.now();
    await clock.sleep(quiet, run.signal);
    const begunAt = clock.now();
    const changes = await run.perform(plan);
    const effectAt = clock.now();
    let stopped: Stop | null = null;
    let endedAt = begunAt;
    try {
      if (fault.nature === 'lasting') {
        stopped = await hold(request, ports, pulse, changes);
        endedAt = clock.now();
      }
    } finally {
      // at once, also when the waiting was interrupted
      await run.revert(changes);
    }
    const revertedAt = clock.now();
    ports.onProgress('waiting for the steady state', request.recoverySeconds);
    const steadyAfter = await untilSteady(environment, {
      clock,
      signal: run.signal,
      // longer than it should take, so that a late recovery is seen as late and not as none
      seconds: 2 * request.recoverySeconds,
    });
    const isSteady = steadyAfter.every(({ outcome }) => outcome === 'pass' || outcome === 'warn');
    const steadyAt = isSteady ? clock.now() : null;
    await clock.sleep(quiet, run.signal);
    await pulse.stop();
    const end = clock.now();
    const seen = {
      fault: fault.id,
      title: fault.title,
      expectation: fault.expectation,
      values,
      begunAt: begunAt.toISOString(),
      effectAt: effectAt.toISOString(),
      endedAt: endedAt.toISOString(),
      revertedAt: revertedAt.toISOString(),
      steadyAt: steadyAt?.toISOString() ?? null,
      recoverySeconds: steadyAt === null ? null : (steadyAt.getTime() - endedAt.getTime()) / 1000,
      stopped,
      before: pulse.window(watchedFrom, begunAt),
      during: pulse.window(begunAt, steadyAt ?? revertedAt),
      after: pulse.window(steadyAt ?? revertedAt, end),
      steadyAfter,
    };
    const record = {
      ...seen,
      verdict: judgeFault(fault, seen, request.recoverySeconds, fault.unseen?.(values) ?? null),
    };
    await writeEvidence(record, ports);
    return record;
  } finally {
    await pulse.stop();
  }
}

/** A full disk must not change what was seen, nor hide it. */
async function writeEvidence(record: FaultRecord, { run, onNote }: InjectionPorts): Promise<void> {
  const file = `evidence/fault-${record.fault}.json`;
  try {
    await mkdir(join(run.folder, 'evidence'), { recursive: true });
    await writeFile(join(run.folder, file), `${JSON.stringify(record, null, 2)}\n`);
    await run.evidence(file, record.title);
  } catch (error) {
    onNote(`warning: the evidence could not be written to ${run.folder}: ${messageOf(error)}`);
  }
}

const students = 5;

async function studentsFor(fault: FaultDefinition, values: Values, environment: Environment) {
  const { skew } = values;
  const identities = await environment.identities(
    students,
    typeof skew === 'number' ? { clockOffsetSeconds: skew } : {},
  );
  if (identities.length === 0) throw new Undetermined(`there is no student to watch ${fault.id} as`);
  return identities;
}

/** Until its time is over or something ends it early. */
async function hold(
  { fault, plan, stopIf }: InjectionRequest,
  { environment, run, clock, halted, onProgress }: InjectionPorts,
  pulse: Pulse,
  changes: readonly number[],
): Promise<Stop | null> {
  const seconds = plan.holdSeconds ?? 0;
  onProgress(`${fault.title}: holding for ${seconds} s`, seconds);
  const over = new AbortController();
  const watching = watchFault(
    fault,
    {
      environment,
      clock,
      pulse,
      conditions: stopIf ?? fault.stopIf.map(parseStopCondition),
      othersBefore: plan.impact.othersInProgress ?? 0,
      halted,
      lookAgain: (signal) => run.lookAgain(changes, signal),
    },
    AbortSignal.any([run.signal, over.signal]),
  );
  const problem = (error: unknown): Stop => ({
    cause: 'unwatched',
    text: `it could not be watched any more: ${messageOf(error)}`,
  });
  const stop = await Promise.race([
    clock.sleep(seconds * 1000, run.signal).then(() => null),
    watching.then((seen) => seen ?? new Promise<never>(() => undefined), problem),
  ]);
  over.abort();
  run.signal.throwIfAborted();
  return stop;
}
