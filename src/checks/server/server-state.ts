import type { Postgres } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { Platform } from '../../lifecycle/platform.ts';
import type { Check } from '../check.ts';
import { recover } from './snapshot.ts';

/** What a run has to know about the server before it asks anything. */
export interface ServerState {
  readonly now: Date;
  /** null when the platform's table of revisions is missing or may not be read */
  readonly revision: string | null;
  /** table -> schema, of the platform's tables that the search path finds */
  readonly schemas: ReadonlyMap<string, string>;
  readonly freeConnections: number;
  /** null when it could not be asked */
  readonly sessionsInProgress: number | null;
}

export async function serverState(postgres: Postgres, platform: Platform): Promise<ServerState> {
  const { sessionColumns, writtenAt, revisionSql } = platform.integrity;
  const tables = [...new Set([...Object.keys(sessionColumns), ...Object.keys(writtenAt)])];
  const { rows } = await postgres.query<{ now: Date; free: number; tables: Record<string, string> | null }>(
    `SELECT now(),
       (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'))::int AS free,
       (SELECT json_object_agg(c.relname, n.nspname)
          FROM unnest($1::text[]) AS wanted(name)
          JOIN pg_class c ON c.oid = to_regclass(quote_ident(wanted.name))
          JOIN pg_namespace n ON n.oid = c.relnamespace) AS tables`,
    [tables],
  );
  const [state] = rows;
  const revision = await orNull<{ revision: string }>(postgres, revisionSql);
  const live = await orNull<{ in_progress: number }>(postgres, platform.sessionsInProgressSql);
  return {
    now: state?.now ?? new Date(),
    revision: revision?.revision ?? null,
    schemas: new Map(Object.entries(state?.tables ?? {})),
    freeConnections: state?.free ?? 0,
    sessionsInProgress: live?.in_progress ?? null,
  };
}

/** A missing table or permission is no reason to end: each check that needs it says so itself. */
async function orNull<Row>(postgres: Postgres, sql: string): Promise<Row | null> {
  try {
    return (await postgres.query<Row>(sql)).rows[0] ?? null;
  } catch (error) {
    if (typeof (error as { code?: unknown }).code !== 'string') throw error;
    await recover(postgres);
    return null;
  }
}

/** Another database than the platform's, or a search path that passes its schema by, says nothing about the platform's data. */
export function missingTables({ schemas }: ServerState): Undetermined | null {
  if (schemas.size > 0) return null;
  return new Undetermined(
    "none of the platform's tables is in this database, as far as its search path goes",
    {
      hint: 'check database.url: the name of the database, and options=-c search_path=... where the tables are in another schema',
    },
  );
}

/** Revisions are numbered: "046_csp_reports" comes before "048_family_id". */
export function missingRevision({ revision }: Check, server: ServerState): Undetermined | null {
  if (revision === undefined || server.revision === null) return null;
  if (Number.parseInt(server.revision, 10) >= Number.parseInt(revision, 10)) return null;
  return new Undetermined(
    `it needs revision ${revision} of the schema, and this database has ${server.revision}`,
    {
      hint: 'migrate the database, or leave this check out with --check',
    },
  );
}
