import type { RunArchive } from '../lifecycle/run-archive.ts';
import type { ExamModeSnapshot } from './plan-exam-mode.ts';

/**
 * What the latest "exam-mode on" of the environment changed and kept: its journal is the snapshot. Null when there
 * is none, or when an "exam-mode off" has restored it since.
 */
export async function snapshotOf(
  environment: string,
  archive: Pick<RunArchive, 'list' | 'journal'>,
): Promise<ExamModeSnapshot | null> {
  for (const id of archive.list()) {
    if (!/-exam-mode-(on|off)-/.test(id)) continue;
    const lines = await archive.journal(id).read();
    const made = lines.find((line) => line.type === 'plan.made');
    const kept = new Set(lines.flatMap((line) => (line.type === 'change.kept' ? [line.change] : [])));
    if (made === undefined || made.plan.environment !== environment || kept.size === 0) continue;
    if (made.plan.operation === 'exam-mode off') return null;
    const changes = made.plan.changes.filter((_, index) => kept.has(index + 1));
    return { run: id, at: made.at, changes };
  }
  return null;
}
