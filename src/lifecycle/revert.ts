import type { Actuator } from './actuator.ts';
import type { Clock } from './clock.ts';
import type { Snapshot } from './environment.ts';
import { ExamctlError, messageOf } from './errors.ts';
import type { Listener } from './events.ts';
import type { ChangeStarted, Journal, JournalEntry, PlanAtWork, Worker } from './journal.ts';
import type { OutcomeRecord } from './outcome.ts';
import type { Action } from './plan.ts';
import { differencesOf, maySettle } from './snapshot.ts';

export interface RevertPorts {
  readonly journal: Journal;
  readonly actuator: Actuator;
  readonly clock: Clock;
  readonly emit: Listener;
  /** milliseconds that a revert may take, attempts and waiting included */
  readonly revertWithin?: number;
  /** a person has looked: what is there now is right, also where it is not as it was before */
  readonly acceptsState?: boolean;
  /** the system that was changed is not there any more, so that nothing of it can be, or has to be, undone */
  readonly isGone?: () => Promise<boolean>;
}

/** Milliseconds that a revert may take unless the ports say otherwise. */
export const revertDeadline = 60_000;
const pauseBetweenAttempts = 1_000;
const pauseBetweenLooks = 200;
const settlesWithin = 5_000;
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
      left.push({ target: change.target, message: 'it has no way back' });
      continue;
    }
    const failure = await revertOne(change.change, change.revert, by, ports);
    if (failure !== undefined) left.push({ target: change.target, message: failure });
  }
  return left;
}

export interface LeftOver {
  /** what is not as it was: "service cache" */
  readonly target: string;
  readonly message: string;
}

/**
 * Undoes what is open of the plans, the latest first, and proves for each that all that it may have touched is as it was
 * before, before an earlier one is undone.
 */
export async function undoPlans(
  plans: readonly PlanAtWork[],
  by: Worker,
  ports: RevertPorts,
): Promise<LeftOver[]> {
  const left: LeftOver[] = [];
  for (const plan of plans) {
    const ofPlan = await revertChanges(plan.open, by, ports);
    left.push(...ofPlan);
    if (plan.unproven && ofPlan.length === 0) left.push(...(await proveAsBefore(plan, by, ports)));
  }
  return left;
}

async function proveAsBefore(
  { number, plan }: PlanAtWork,
  by: Worker,
  ports: RevertPorts,
): Promise<LeftOver[]> {
  const { emit } = ports;
  emit({ type: 'proof.started', text: 'compare with the state before' });
  const differences = await untilAsBefore(plan?.before ?? {}, ports);
  if (differences.length === 0 || ports.acceptsState) {
    await note({ type: 'state.proven', plan: number, by }, ports);
    const accepted = `taken as it is: ${differences.join('; ')}`;
    emit({ type: 'proof.done', text: differences.length === 0 ? 'all is as it was before' : accepted });
    return [];
  }
  await note({ type: 'state.differs', plan: number, by, differences }, ports);
  emit({ type: 'proof.done', text: `not as it was before: ${differences.join('; ')}` });
  return differences.map((message) => ({ target: `state after ${plan?.operation}`, message }));
}

/** What was restarted takes a moment until it is well; what differs in the end. What cannot settle is not waited for. */
async function untilAsBefore(before: Snapshot, ports: RevertPorts): Promise<string[]> {
  const { actuator, clock } = ports;
  const signal = deadlineOf(ports);
  const soon = clock.deadline(Math.min(settlesWithin, ports.revertWithin ?? revertDeadline));
  let seen: string[] | undefined;
  for (;;) {
    try {
      const now = await actuator.snapshot(signal);
      seen = differencesOf(before, now);
      if (soon.aborted && !maySettle(before, now)) return seen;
    } catch (error) {
      // that the time is over says less than what was seen before
      seen = signal.aborted && seen !== undefined ? seen : [`it could not be compared: ${messageOf(error)}`];
    }
    if (seen.length === 0 || signal.aborted) return seen;
    await clock.sleep(pauseBetweenLooks, signal);
  }
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
  await note({ type: 'revert.started', change, by }, ports);
  // from here on: a disk that hangs must not take the time of every attempt
  const signal = deadlineOf(ports);
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
      if (!signal.aborted || message === untried) message = withHint(error);
    }
    if (ports.acceptsState) {
      const outcome = {
        id: 'accepted',
        title: text,
        outcome: 'pass',
        message: `taken as it is: ${message}`,
      } as const;
      await note({ type: 'revert.verified', change, by, outcome }, ports);
      emit({ type: 'revert.verified', text, outcome });
      return undefined;
    }
    if (await ports.isGone?.()) return 'what was changed is not there any more';
    emit({ type: 'revert.retried', text, message });
    await clock.sleep(pauseBetweenAttempts, signal);
  }
  await note({ type: 'revert.failed', change, by, message }, ports);
  return message;
}

function deadlineOf({ clock, revertWithin = revertDeadline }: RevertPorts): AbortSignal {
  return clock.deadline(revertWithin);
}

/** The hint holds the command to type. */
function withHint(error: unknown): string {
  const hint = error instanceof ExamctlError ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)}; ${hint}`;
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
