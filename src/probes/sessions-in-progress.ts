import type { Environment } from '../lifecycle/environment.ts';
import { Undetermined } from '../lifecycle/errors.ts';
import type { Impact } from '../lifecycle/plan.ts';

export interface SessionCount {
  readonly count: number;
  /** ISO 8601 */
  readonly lastEndsAt: string | null;
}

/** How many students are in an exam now; throws Undetermined when it cannot be asked, null when that was no answer. */
export async function countSessions({
  platform,
  withPostgres,
}: Pick<Environment, 'platform' | 'withPostgres'>): Promise<SessionCount | null> {
  const { rows } = await withPostgres((postgres) =>
    postgres.query<{ in_progress: number; last_ends_at: Date | null }>(platform.sessionsInProgressSql),
  );
  const row = rows[0];
  return row === undefined
    ? null
    : { count: row.in_progress, lastEndsAt: row.last_ends_at?.toISOString() ?? null };
}

/** As countSessions; null when it could not be counted, which is not zero. */
export async function sessionsInProgress(
  environment: Pick<Environment, 'platform' | 'withPostgres'>,
): Promise<SessionCount | null> {
  try {
    return await countSessions(environment);
  } catch (error) {
    if (error instanceof Undetermined) return null;
    throw error;
  }
}

/**
 * As sessionsInProgress, without the students that load and rehearsals act as. Where none are configured, nobody can be
 * told apart, and all are others.
 */
export async function othersInProgress(
  environment: Pick<Environment, 'platform' | 'withPostgres' | 'rehearsalAccounts'>,
): Promise<{ count: number; lastEndsAt: string | null } | null> {
  const { platform, withPostgres } = environment;
  try {
    const own = (await environment.rehearsalAccounts?.()) ?? { emailDomain: null, userIds: [] };
    const { rows } = await withPostgres((postgres) =>
      postgres.query<{ in_progress: number; last_ends_at: Date | null }>(platform.sessionsOfOthersSql, [
        own.emailDomain,
        own.userIds,
      ]),
    );
    const [row] = rows;
    return row === undefined
      ? null
      : { count: row.in_progress, lastEndsAt: row.last_ends_at?.toISOString() ?? null };
  } catch (error) {
    if (error instanceof Undetermined) return null;
    throw error;
  }
}

/** Names what an operation means for the students who are in an exam while it runs. */
export async function impactOf(
  environment: Pick<Environment, 'platform' | 'withPostgres'>,
  { disruptive, text }: { disruptive: boolean; text: string },
): Promise<Impact> {
  const sessions = await sessionsInProgress(environment);
  if (sessions === null) {
    return {
      sessionsInProgress: null,
      lastEndsAt: null,
      disruptive,
      text: `${text}; how many students are in an exam is not known`,
    };
  }
  const { count, lastEndsAt } = sessions;
  const until = lastEndsAt === null ? '' : `, the last ends ${lastEndsAt}`;
  const students =
    count === 0
      ? 'no student is in an exam'
      : `${count} ${count === 1 ? 'student is' : 'students are'} in an exam${until}`;
  return { sessionsInProgress: count, lastEndsAt, disruptive, text: `${text}; ${students}` };
}
