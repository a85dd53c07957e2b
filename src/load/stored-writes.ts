import type { Postgres } from '../lifecycle/environment.ts';
import type { AcknowledgedAnswer, AcknowledgedSubmit } from './acknowledged-writes.ts';

const batchSize = 1000;

export interface StoredAnswer {
  readonly acknowledged: AcknowledgedAnswer;
  /** rows for this session and question */
  readonly rows: number;
  readonly selectedIndex: number | null;
}

/** Asks for a thousand pairs at a time: one by one would take minutes, all at once a plan over whole tables. */
export async function storedAnswers(
  postgres: Postgres,
  answers: readonly AcknowledgedAnswer[],
): Promise<StoredAnswer[]> {
  const stored: StoredAnswer[] = [];
  for (const batch of batchesOf(answers)) {
    const { rows } = await postgres.query<{ ordinal: number; rows: number; selected_index: number | null }>(
      `SELECT w.ordinal::int AS ordinal, count(a.id)::int AS rows, max(a.selected_index)::int AS selected_index
         FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS w (session_id, question_id, ordinal)
         LEFT JOIN session_answers a ON a.session_id = w.session_id AND a.question_id = w.question_id
        GROUP BY w.ordinal`,
      [batch.map(({ sessionId }) => sessionId), batch.map(({ questionId }) => questionId)],
    );
    const byOrdinal = new Map(rows.map((row) => [row.ordinal, row]));
    for (const [index, acknowledged] of batch.entries()) {
      const row = byOrdinal.get(index + 1);
      stored.push({ acknowledged, rows: row?.rows ?? 0, selectedIndex: row?.selected_index ?? null });
    }
  }
  return stored;
}

export interface StoredSubmit {
  readonly acknowledged: AcknowledgedSubmit;
  /** null: there is no such session */
  readonly status: string | null;
  readonly scoreCorrect: number | null;
  /** different scores among the session's SESSION_SUBMITTED events of the server */
  readonly eventScores: number;
}

export async function storedSubmits(
  postgres: Postgres,
  submits: readonly AcknowledgedSubmit[],
): Promise<StoredSubmit[]> {
  const stored: StoredSubmit[] = [];
  for (const batch of batchesOf(submits)) {
    const { rows } = await postgres.query<{
      ordinal: number;
      status: string | null;
      score_correct: number | null;
      event_scores: number;
    }>(
      `SELECT w.ordinal::int AS ordinal, s.status::text AS status, s.score_correct,
              (SELECT count(DISTINCT (e.payload_json ->> 'score_correct', e.payload_json ->> 'score_total',
                                      e.payload_json ->> 'score_pct'))::int
                 FROM attempt_events e
                WHERE e.session_id = w.session_id AND e.event_type = 'SESSION_SUBMITTED'
                  AND e.source = 'api') AS event_scores
         FROM unnest($1::uuid[]) WITH ORDINALITY AS w (session_id, ordinal)
         LEFT JOIN test_sessions s ON s.id = w.session_id`,
      [batch.map(({ sessionId }) => sessionId)],
    );
    const byOrdinal = new Map(rows.map((row) => [row.ordinal, row]));
    for (const [index, acknowledged] of batch.entries()) {
      const row = byOrdinal.get(index + 1);
      stored.push({
        acknowledged,
        status: row?.status ?? null,
        scoreCorrect: row?.score_correct ?? null,
        eventScores: row?.event_scores ?? 0,
      });
    }
  }
  return stored;
}

function* batchesOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += batchSize) yield items.slice(start, start + batchSize);
}
