import type { Environment, ExamModeMechanism, Service } from '../lifecycle/environment.ts';

export interface FlagRow {
  readonly value: boolean;
  readonly updatedAt: Date;
  /** milliseconds since the last change, by the database's clock */
  readonly ageMs: number;
  readonly updatedBy: string | null;
  readonly reason: string | null;
}

/** A row of system_flags; null when there is none. */
export function readFlag(environment: Environment, key: string): Promise<FlagRow | null> {
  return environment.withPostgres(async (postgres) => {
    const { rows } = await postgres.query<FlagRow>(
      `SELECT flag.value,
              flag.updated_at AS "updatedAt",
              (extract(epoch FROM clock_timestamp() - flag.updated_at) * 1000)::float8 AS "ageMs",
              coalesce(person.email, flag.updated_by::text) AS "updatedBy",
              flag.reason
         FROM system_flags flag
         LEFT JOIN users person ON person.id = flag.updated_by
        WHERE flag.key = $1`,
      [key],
    );
    return rows[0] ?? null;
  });
}

export interface ToggleRecord {
  readonly at: Date;
  readonly by: string | null;
  readonly reason: string | null;
  /** the endpoint decides which of the two tables gets a toggle */
  readonly recordedIn: 'audit_log' | 'switch_audit_log';
}

/** The last toggle of exam mode that was put on record; null when none was. A change by SQL leaves no record. */
export function lastToggle(environment: Environment, flag: string): Promise<ToggleRecord | null> {
  return environment.withPostgres(async (postgres) => {
    const { rows } = await postgres.query<ToggleRecord>(
      `SELECT entry.at, coalesce(person.email, entry.actor::text) AS by, entry.reason,
              entry.recorded_in AS "recordedIn"
         FROM (SELECT created_at AS at, actor_user_id AS actor, meta->>'reason' AS reason,
                      'audit_log' AS recorded_in
                 FROM audit_log
                WHERE action = $1 || '_CHANGED'
               UNION ALL
               SELECT created_at, actor_user_id, reason, 'switch_audit_log'
                 FROM switch_audit_log
                WHERE action_type = 'FLAG_SET'
                  AND (after->>'key' = $1 OR before->>'key' = $1 OR after ? $1)) entry
         LEFT JOIN users person ON person.id = entry.actor
        ORDER BY entry.at DESC
        LIMIT 1`,
      [flag],
    );
    return rows[0] ?? null;
  });
}

export interface AdminFreeze {
  readonly frozen: boolean;
  readonly reason: string | null;
  readonly by: string | null;
  readonly at: Date | null;
}

export function freezeText({ reason, by, at }: AdminFreeze): string {
  const since = at === null ? '' : ` since ${at.toISOString()}`;
  return `set by ${by ?? 'nobody named'}${since}, reason: ${reason ?? 'none'}`;
}

/** The freeze that refuses the exam-mode toggle itself; null when its row is missing. */
export function readAdminFreeze(environment: Environment): Promise<AdminFreeze | null> {
  return environment.withPostgres(async (postgres) => {
    const { rows } = await postgres.query<AdminFreeze>(
      `SELECT runtime.admin_freeze AS frozen, runtime.freeze_reason AS reason, runtime.set_at AS at,
              coalesce(person.email, runtime.set_by_user_id::text) AS by
         FROM admin_security_runtime runtime
         LEFT JOIN users person ON person.id = runtime.set_by_user_id
        WHERE runtime.id = 1`,
    );
    return rows[0] ?? null;
  });
}

export interface ExamModeVariable {
  readonly name: string;
  readonly service: Service;
  /** undefined: not set in the running service */
  readonly value: string | undefined;
}

/** The environment variable as the running service has it. */
export async function readVariable({
  examMode,
  driver,
  platform,
}: Pick<Environment, 'examMode' | 'driver' | 'platform'>): Promise<ExamModeVariable> {
  const configured = examMode.find(
    (mechanism): mechanism is Extract<ExamModeMechanism, { kind: 'env-file' }> =>
      mechanism.kind === 'env-file',
  );
  const { variable: name, service } = configured ?? {
    variable: platform.examMode.variable,
    service: 'backend' as const,
  };
  return { name, service, value: await driver.variable(service, name) };
}

/** As pydantic reads a boolean. */
export function isTrue(value: string): boolean {
  return ['1', 'true', 't', 'yes', 'y', 'on'].includes(value.trim().toLowerCase());
}
