import type { Environment, Identity } from '../lifecycle/environment.ts';
import { messageOf, Refused, Undetermined } from '../lifecycle/errors.ts';

interface SessionsOfOthers {
  readonly in_progress: number;
  readonly last_ends_at: Date | null;
}

/** Load takes what real students need: never on a protected environment, never beside an exam, unless break-glass. */
export async function authorizeLoad(
  environment: Environment,
  identities: readonly Identity[],
  { breakGlass, reason }: { readonly breakGlass: boolean; readonly reason: string | undefined },
): Promise<void> {
  if (breakGlass && reason) return;
  if (breakGlass) {
    throw new Refused('break-glass goes on record, and no reason is given', {
      hint: 'say why: --reason "..."',
    });
  }
  if (environment.protected) {
    throw new Refused(`load on ${environment.name} is refused: the environment is protected`, {
      hint: 'run it on another environment (--env), or with --break-glass and a --reason',
    });
  }
  // What examctl has made itself has no students of its own.
  if (environment.ephemeral !== undefined) return;
  const { in_progress: count, last_ends_at: lastEndsAt } = await sessionsOfOthers(environment, identities);
  if (count === 0) return;
  const until = lastEndsAt === null ? 'no end is set' : `the last ends ${lastEndsAt.toISOString()}`;
  throw new Refused(
    `load on ${environment.name} is refused: ${count} exam sessions of other students are in progress, ${until}`,
    { hint: 'wait for their end, or use --break-glass with a --reason' },
  );
}

async function sessionsOfOthers(
  environment: Environment,
  identities: readonly Identity[],
): Promise<SessionsOfOthers> {
  const own = identities.map(({ userId }) => userId);
  try {
    const { rows } = await environment.withPostgres((postgres) =>
      postgres.query<SessionsOfOthers>(
        `SELECT count(*)::int AS in_progress, max(expires_at) AS last_ends_at
           FROM test_sessions
          WHERE mode = 'EXAM' AND status = 'ACTIVE'
            AND (expires_at IS NULL OR expires_at > now())
            AND user_id <> ALL ($1::uuid[])`,
        [own],
      ),
    );
    return rows[0] ?? { in_progress: 0, last_ends_at: null };
  } catch (cause) {
    throw new Undetermined(`cannot see whether an exam is live on ${environment.name}: ${messageOf(cause)}`, {
      cause,
      hint: 'make the database reachable (database.url), or use --break-glass with a --reason',
    });
  }
}
