import type { Actuator } from './actuator.ts';
import type { Clock } from './clock.ts';
import { messageOf } from './errors.ts';
import type { Listener } from './events.ts';
import type { ChangeStarted, Journal, JournalEntry, Worker } from './journal.ts';
import type { OutcomeRecord } from './outcome.ts';
import type { Action } from './plan.ts';

export interface RevertPorts {
  readonly journal: Journal;
  readonly actuator: Actuator;
  readonly clock: Clock;
  readonly emit: Listener;
}

/** Milliseconds that a revert may take, attempts and waiting included. */
export const revertDeadline = 60_000;
const pauseBetweenAttempts = 1_000;
const untried = 'no attempt was made';

/**
 * Undoes changes, the latest first, each until it is proven undone or the deadline passes. One that cannot be
 * undone does not keep the others from it. Returns what is left.
 */
export async function revertChanges(
  changes: readonly ChangeStarted[],
  by: Worker,
  ports: RevertPorts,
): Promise<LeftOver[]> {
  const left: LeftOver[] = [];
  for (const change of changes) {
    if (change.revert === null) {
      left.push({ change, message: 'it has no way back' });
      continue;
    }
    const failure = await revertOne(change.change, change.revert, by, ports);
    if (failure !== undefined) left.push({ change, message: failure });
  }
  return left;
}

export interface LeftOver {
  readonly change: ChangeStarted;
  readonly message: string;
}

/** Undefined when proven, else why not. */
async function revertOne(
  change: number,
  revert: Action,
  by: Worker,
  ports: RevertPorts,
): Promise<string | undefined> {
  const { actuator, clock, emit } = ports;
  const text = actuator.describe(revert);
  const signal = AbortSignal.timeout(revertDeadline);
  await note({ type: 'revert.started', change, by }, ports);
  emit({ type: 'revert.started', text, by });
  let message = untried;
  while (!signal.aborted) {
    try {
      await actuator.apply(revert, signal);
      const outcome = await actuator.verify(revert, signal);
      if (outcome.outcome === 'pass') {
        await note({ type: 'revert.verified', change, by, outcome }, ports);
        emit({ type: 'revert.verified', text, outcome });
        return undefined;
      }
      message = describeOutcome(outcome);
    } catch (error) {
      // that the time is over says less than why the attempt before did not do
      if (!signal.aborted || message === untried) message = messageOf(error);
    }
    emit({ type: 'revert.retried', text, message });
    await clock.sleep(pauseBetweenAttempts, signal);
  }
  await note({ type: 'revert.failed', change, by, message }, ports);
  return message;
}

function describeOutcome({ outcome, title, message }: OutcomeRecord): string {
  return `${title}: ${outcome}: ${message}`;
}

/** A full disk must not keep anything broken: the revert goes on without its journal line, and says so. */
async function note(entry: JournalEntry, { journal, emit }: RevertPorts): Promise<void> {
  try {
    await journal.append(entry);
  } catch (error) {
    emit({
      type: 'warning',
      message: `the journal could not be written (${messageOf(error)}); reverting all the same`,
    });
  }
}
