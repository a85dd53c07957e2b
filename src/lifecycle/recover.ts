import { messageOf } from './errors.ts';
import { type Journal, type JournalLine, plansAtWork, runFinish } from './journal.ts';
import { type LeftOver, type RevertPorts, undoPlans } from './revert.ts';

export interface Recovery {
  readonly run: string;
  /** what was open when recovery began: "service cache" */
  readonly open: readonly string[];
  readonly left: readonly LeftOver[];
}

/** Reverts whatever a dead run left open, proves it and writes the end into its journal. Idempotent. */
export async function recoverRun(
  run: string,
  journal: Journal,
  ports: Omit<RevertPorts, 'journal'>,
): Promise<Recovery> {
  const lines = await journal.read();
  const plans = plansAtWork(lines);
  // who brought it to its end stays on record
  if (plans.length === 0 && runFinish(lines) !== undefined) return { run, open: [], left: [] };
  const left = await undoPlans(plans, 'recover', { ...ports, journal });
  const message =
    left.length === 0 ? 'recovered' : left.map(({ target, message }) => `${target}: ${message}`).join('; ');
  try {
    const result = left.length === 0 ? 'interrupted' : 'failed-not-reverted';
    await journal.append({ type: 'run.finished', by: 'recover', result, message });
  } catch (error) {
    ports.emit({ type: 'warning', message: `the end of run ${run} could not be noted: ${messageOf(error)}` });
  }
  return { run, open: plans.flatMap(({ open }) => open.map(({ target }) => target)), left };
}

/** The guardian that said it was watching, while it has not written an end. */
export function guardianOf(lines: readonly JournalLine[]): number | undefined {
  if (lines.some((line) => line.type === 'run.finished')) return undefined;
  return lines.findLast((line) => line.type === 'guardian.ready')?.pid;
}
