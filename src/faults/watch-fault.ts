import type { Clock } from '../lifecycle/clock.ts';
import type { Environment } from '../lifecycle/environment.ts';
import type { HaltOrder } from '../lifecycle/run-archive.ts';
import { othersInProgress } from '../probes/sessions-in-progress.ts';
import { steadyState } from '../probes/steady-state.ts';
import type { FaultDefinition } from './fault.ts';
import type { Pulse } from './pulse.ts';
import { crossed, type StopCondition } from './stop-condition.ts';

/** Why a fault was ended before its time. */
export interface Stop {
  readonly cause: 'condition' | 'steady-state' | 'exam' | 'halt' | 'gone' | 'unwatched';
  readonly text: string;
}

export interface WatchPorts {
  readonly environment: Environment;
  readonly clock: Clock;
  readonly pulse: Pulse;
  readonly conditions: readonly StopCondition[];
  /** students other than the rehearsal's own that were in an exam before: with break-glass only */
  readonly othersBefore: number;
  readonly halted: () => HaltOrder | undefined;
  /** looks again whether the fault is there: why not; null: it is */
  readonly lookAgain: (signal: AbortSignal) => Promise<string | null>;
}

/** Milliseconds between two looks: whatever ends a fault has to do so within two seconds. */
const lookEvery = 200;
const examsEvery = 800;
const steadyEvery = 1_000;

/** Watches until something ends the fault early, or until the signal: then null. */
export async function watchFault(
  fault: FaultDefinition,
  ports: WatchPorts,
  signal: AbortSignal,
): Promise<Stop | null> {
  const done = new AbortController();
  const until = AbortSignal.any([signal, done.signal]);
  const watches = [
    watchOrders(ports, until),
    watchExams(ports, until),
    watchSteadyState(fault, ports, until),
    watchFaultItself(ports, until),
  ];
  try {
    // the first one that has something to say; null comes from all of them when the time is over
    return await new Promise<Stop | null>((resolve, reject) => {
      for (const watch of watches) watch.then((stop) => stop !== null && resolve(stop), reject);
      Promise.all(watches).then((all) => resolve(all.find((stop) => stop !== null) ?? null), reject);
    });
  } finally {
    done.abort();
    await Promise.allSettled(watches);
  }
}

async function watchOrders(
  { clock, pulse, conditions, halted }: WatchPorts,
  signal: AbortSignal,
): Promise<Stop | null> {
  while (!signal.aborted) {
    const order = halted();
    if (order !== undefined) {
      const why = order.reason === null ? '' : `: ${order.reason}`;
      return { cause: 'halt', text: `halted by ${order.by}${why}` };
    }
    const text = crossed(conditions, pulse.now(clock.now()));
    if (text !== null) return { cause: 'condition', text };
    await clock.sleep(lookEvery, signal);
  }
  return null;
}

/** While the database cannot be asked, nobody can begin an exam either. */
async function watchExams(
  { environment, clock, othersBefore }: WatchPorts,
  signal: AbortSignal,
): Promise<Stop | null> {
  while (!signal.aborted) {
    const others = await unlessAborted(othersInProgress(environment), signal);
    const more = others === null ? 0 : others.count - othersBefore;
    if (more > 0) return { cause: 'exam', text: `${studentsText(more)} in an exam now` };
    await clock.sleep(examsEvery, signal);
  }
  return null;
}

function studentsText(count: number): string {
  return count === 1
    ? "1 student who is not the rehearsal's own is"
    : `${count} students who are not the rehearsal's own are`;
}

/** Twice in a row, as one look may fall into a moment that is nothing. */
async function watchSteadyState(
  { mayFail }: FaultDefinition,
  { environment, clock }: WatchPorts,
  signal: AbortSignal,
): Promise<Stop | null> {
  let before: readonly string[] = [];
  while (!signal.aborted) {
    const looked = await unlessAborted(steadyState(environment, { signal }), signal);
    const lost = (looked ?? []).filter(({ id, outcome }) => outcome === 'fail' && !mayFail.includes(id));
    const again = lost.find(({ id }) => before.includes(id));
    if (again !== undefined)
      return { cause: 'steady-state', text: `${again.title}: no more (${again.message})` };
    before = lost.map(({ id }) => id);
    await clock.sleep(steadyEvery, signal);
  }
  return null;
}

/** Somebody may have restarted what was broken: then nothing is observed any more. Twice in a row, as above. */
async function watchFaultItself({ clock, lookAgain }: WatchPorts, signal: AbortSignal): Promise<Stop | null> {
  let before: string | null = null;
  while (!signal.aborted) {
    // that it cannot be looked at does not say that it is gone
    const gone = await unlessAborted(
      lookAgain(signal).catch(() => null),
      signal,
    );
    if (gone !== null && before !== null)
      return { cause: 'gone', text: `the fault was undone by somebody else: ${gone}` };
    before = gone;
    await clock.sleep(steadyEvery, signal);
  }
  return null;
}

/** Null when the signal ends the waiting. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const waiting = new AbortController();
  try {
    return await Promise.race([
      work.catch((error: unknown) => {
        if (signal.aborted) return null;
        throw error;
      }),
      aborted(signal, waiting.signal),
    ]);
  } finally {
    // a fault is looked at hundreds of times
    waiting.abort();
  }
}

function aborted(signal: AbortSignal, whileWaiting: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true, signal: whileWaiting });
  });
}
