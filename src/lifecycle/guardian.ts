import type { Clock } from './clock.ts';
import { messageOf } from './errors.ts';
import type { ChangeStarted, Journal, JournalLine } from './journal.ts';
import { openChanges, type PlanAtWork, plansAtWork, runFinish } from './journal.ts';
import { type RevertPorts, revertChanges, undoPlans } from './revert.ts';

export interface GuardianPorts extends RevertPorts {
  readonly clock: Clock;
  /** whether the process that started the guardian still lives */
  readonly runIsAlive: () => boolean;
  /** somebody ordered the run to end its faults, and it had the time to do so by itself */
  readonly isHalted: () => Promise<boolean>;
}

const lookEvery = 250;

/**
 * Watches one run until it is finished. Reverts what the run left open when its process is gone, and a single
 * change when its deadline has passed while the process lives (it hangs, or was stopped); then it keeps watching,
 * as a process that wakes up late may still make the change that it had announced.
 */
export async function guard(
  ports: GuardianPorts,
): Promise<'finished by the run' | 'reverted' | 'not reverted' | 'gone'> {
  const { journal, clock, runIsAlive } = ports;
  for (;;) {
    const alive = runIsAlive();
    const lines = await readable(journal, ports);
    if (runFinish(lines) !== undefined) return 'finished by the run';
    const open = openChanges(lines).filter(({ undoneBy }) => undoneBy === 'guardian');
    if (!alive) return (await ports.isGone?.()) ? 'gone' : afterDeath(lines, ports);
    const isHalted = await ports.isHalted();
    const temporary = open.filter(({ deadline }) => deadline !== null);
    const late = temporary.filter((change) => isHalted || isLate(change, clock.now()));
    if (late.length > 0) await revertChanges(late, 'guardian', ports);
    await clock.sleep(lookEvery);
  }
}

/** A guardian that gives up because one look failed guards nobody. */
async function readable(journal: Journal, { clock, emit }: GuardianPorts): Promise<JournalLine[]> {
  for (;;) {
    try {
      return await journal.read();
    } catch (error) {
      emit({ type: 'warning', message: `the journal cannot be read, looking again: ${messageOf(error)}` });
      await clock.sleep(lookEvery);
    }
  }
}

function isLate({ deadline }: ChangeStarted, now: Date): boolean {
  return deadline !== null && now.getTime() > Date.parse(deadline);
}

async function afterDeath(lines: readonly JournalLine[], ports: GuardianPorts) {
  const plans = plansAtWork(lines).map(ofGuardian);
  const open = plans.flatMap((plan) => plan.open);
  const again = await revertChanges(touchedAgain(open, lines), 'guardian', ports);
  const left = [...again, ...(await undoPlans(plans, 'guardian', ports))];
  if (left.length === 0) return 'reverted';
  return (await ports.isGone?.()) ? 'gone' : 'not reverted';
}

/** What a person has to undo is left to a person, and then there is nothing to prove yet. */
function ofGuardian(plan: PlanAtWork): PlanAtWork {
  const open = plan.open.filter(({ undoneBy }) => undoneBy === 'guardian');
  return { ...plan, open, unproven: plan.unproven && open.length === plan.open.length };
}

/**
 * A change that was reverted for being late may have been made once more by its process before that died:
 * reverts are idempotent, so it is reverted once more.
 */
function touchedAgain(open: readonly ChangeStarted[], lines: readonly JournalLine[]): ChangeStarted[] {
  const late = new Set(
    lines.flatMap((line) => (line.type === 'revert.started' && line.by === 'guardian' ? [line.change] : [])),
  );
  const isOpen = new Set(open.map(({ change }) => change));
  return lines
    .filter(
      (line): line is ChangeStarted =>
        line.type === 'change.started' && late.has(line.change) && !isOpen.has(line.change),
    )
    .reverse();
}
