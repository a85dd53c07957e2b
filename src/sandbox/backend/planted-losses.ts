import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DefectId } from '../defects.ts';
import type { AnswerRow } from './sessions/answer-question.ts';

/** One line of planted-losses.ndjson in the sandbox's folder: what a defect did to an answer that was acknowledged. */
export interface PlantedLoss {
  readonly defect: DefectId;
  readonly sessionId: string;
  readonly questionId: string;
  /** as the student was told: names this write among others to the same question */
  readonly storedAt: string | null;
  /** `kept` takes an earlier line back: it was stored after all */
  readonly what: 'planted' | 'kept';
}

export const plantedLossesFile = 'planted-losses.ndjson';

/** Before the student is told: a worker that is killed right after has it on record. */
export function recordPlanted(
  folder: string,
  defect: DefectId,
  answer: AnswerRow,
  what: PlantedLoss['what'] = 'planted',
): void {
  const { session_id: sessionId, question_id: questionId, updated_at: storedAt } = answer;
  const line: PlantedLoss = {
    defect,
    sessionId,
    questionId,
    storedAt: storedAt?.toISOString() ?? null,
    what,
  };
  appendFileSync(join(folder, plantedLossesFile), `${JSON.stringify(line)}\n`);
}
