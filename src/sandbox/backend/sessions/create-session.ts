import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../database.ts';
import { plainError } from '../errors.ts';
import type { Flags } from '../flags.ts';
import type { User } from '../users.ts';
import { recordEvent } from './attempt-events.ts';
import { type SessionRow, sessionColumns } from './session-rows.ts';

export const sessionRequest = z.object({
  mode: z.enum(['TUTOR', 'EXAM']).default('TUTOR'),
  year: z.int().min(1).max(2),
  blocks: z.array(z.string().min(1)).min(1),
  themes: z.array(z.int()).nullish(),
  count: z.int().min(1).max(200),
  duration_seconds: z.int().min(60).nullish(),
  difficulty: z.array(z.string()).nullish(),
  cognitive: z.array(z.string()).nullish(),
});

export type SessionRequest = z.infer<typeof sessionRequest>;

export async function createSession(
  database: Database,
  flags: Flags,
  user: User,
  wanted: SessionRequest,
): Promise<SessionRow> {
  const [examMode, freezeUpdates] = await Promise.all([
    flags.isOn('EXAM_MODE'),
    flags.isOn('FREEZE_UPDATES'),
  ]);
  const id = randomUUID();
  const questionIds = await chooseQuestions(database, user, wanted);
  const session = await database.transaction(async (transaction) => {
    const [row] = await transaction.query<SessionRow>(
      `INSERT INTO test_sessions (id, user_id, mode, year, blocks_json, themes_json, total_questions, duration_seconds,
                                  expires_at, exam_mode_at_start, freeze_updates_at_start)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $8::int * interval '1 second', $9, $10)
       RETURNING ${sessionColumns}`,
      [
        id,
        user.id,
        wanted.mode,
        wanted.year,
        JSON.stringify(wanted.blocks),
        wanted.themes == null ? null : JSON.stringify(wanted.themes),
        questionIds.length,
        wanted.duration_seconds ?? null,
        examMode,
        freezeUpdates,
      ],
    );
    await transaction.query(freezeQuestions, [id, questionIds]);
    await transaction.query(
      `INSERT INTO session_runtime_snapshot (session_id, profile_name, resolved_modules, flags)
       VALUES ($1, 'primary', '{}', $2)`,
      [id, JSON.stringify({ exam_mode_at_start: examMode, freeze_updates_at_start: freezeUpdates })],
    );
    return { value: row as SessionRow };
  });
  const { mode, year, blocks, themes = null, duration_seconds = null } = wanted;
  const payload = { mode, year, blocks, themes, count: questionIds.length, duration_seconds };
  await recordEvent(database, { type: 'SESSION_CREATED', sessionId: id, userId: user.id, payload });
  return session;
}

/** What a question says now is what counts until the session ends. */
const freezeQuestions = `
  INSERT INTO session_questions (id, session_id, position, question_id, question_version_id, snapshot_json)
  SELECT gen_random_uuid(), $1, chosen.position, chosen.id, version.id, version.snapshot
    FROM unnest($2::uuid[]) WITH ORDINALITY AS chosen (id, position)
    LEFT JOIN LATERAL (
      SELECT id, snapshot FROM question_versions
       WHERE question_id = chosen.id ORDER BY version_no DESC LIMIT 1
    ) version ON true`;

/** The same student gets the same questions all day. */
async function chooseQuestions(database: Database, user: User, wanted: SessionRequest): Promise<string[]> {
  const { year, blocks, themes, mode, count, difficulty, cognitive } = wanted;
  const day = new Date().toISOString().slice(0, 10);
  const key = createHash('sha256')
    .update(JSON.stringify([user.id, year, [...blocks].sort(), [...(themes ?? [])].sort(), mode, day]))
    .digest('hex');
  const chosen = await database.query<{ id: string }>(
    `SELECT questions.id
       FROM questions JOIN blocks ON blocks.id = questions.block_id
      WHERE questions.status = 'PUBLISHED' AND questions.year_id = $1 AND blocks.year_id = $1
        AND blocks.code = ANY ($2::text[])
        AND ($3::int[] IS NULL OR questions.theme_id = ANY ($3))
        AND ($4::text[] IS NULL OR questions.difficulty = ANY ($4))
        AND ($5::text[] IS NULL OR questions.cognitive_level = ANY ($5))
      ORDER BY md5(questions.id || $6)
      LIMIT $7`,
    [year, blocks, themes ?? null, difficulty ?? null, cognitive ?? null, key, count],
  );
  if (chosen.length < count) {
    const details = { error: 'NOT_ENOUGH_QUESTIONS', requested: count, available: chosen.length };
    throw plainError(400, 'Not enough questions', details);
  }
  return chosen.map(({ id }) => id);
}
