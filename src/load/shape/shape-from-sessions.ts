import type { Environment } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import { type ExamShape, shapeOf } from './exam-shape.ts';

interface SessionRow {
  readonly started_ms: number;
  readonly seconds: number | null;
  readonly submit_seconds: number | null;
  readonly answers: number;
}

/** From the sessions of an exam that was: one student each. Those without a time limit count as long as the longest. */
export async function shapeFromSessions(
  { withPostgres, platform, name }: Pick<Environment, 'withPostgres' | 'platform' | 'name'>,
  { since, until }: { readonly since: Date; readonly until: Date },
): Promise<ExamShape> {
  const { rows } = await withPostgres(
    (postgres) => postgres.query<SessionRow>(platform.examSessionsSql, [since, until]),
    { statementTimeout: 30_000 },
  );
  const window = `${since.toISOString()} to ${until.toISOString()}`;
  if (rows.length === 0) {
    throw new Undetermined(`${name} has no exam session that started ${window}`, {
      hint: 'give the time of the exam: --since 2026-05-04T09:00Z --until 2026-05-04T12:00Z',
    });
  }
  const longest = rows.reduce((most, row) => Math.max(most, row.seconds ?? row.submit_seconds ?? 0), 0);
  const times = rows.map(({ started_ms, seconds, submit_seconds, answers }) => ({
    start: started_ms,
    seconds: seconds ?? longest,
    submit: submit_seconds,
    answers,
  }));
  return shapeOf(`sessions of ${name}, ${window}`, times);
}
