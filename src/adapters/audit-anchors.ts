import { hostname } from 'node:os';
import type { AuditAnchors } from '../lifecycle/audit-anchor.ts';
import type { Environment, Postgres } from '../lifecycle/environment.ts';

const makeTable = `
  CREATE SCHEMA IF NOT EXISTS examctl;
  CREATE TABLE IF NOT EXISTS examctl.audit_anchor (
    log text,
    sequence int,
    hash text,
    noted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log, sequence, hash)
  )`;

const isThere = `SELECT to_regclass('examctl.audit_anchor') IS NOT NULL AS there`;

const note =
  'INSERT INTO examctl.audit_anchor (log, sequence, hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING';

const read =
  'SELECT sequence, hash, noted_at FROM examctl.audit_anchor WHERE log = $1 ORDER BY noted_at, sequence';

/** Known by its place: a log that was removed and begun anew at the same place has to answer for the old one. */
export function auditAnchorsIn(
  { withPostgres }: Pick<Environment, 'withPostgres'>,
  stateFolder: string,
): AuditAnchors {
  const log = `${hostname()}:${stateFolder}`;
  return {
    note: ({ sequence, hash }) =>
      withPostgres(
        async (postgres) => {
          if (!(await hasTable(postgres))) await postgres.query(makeTable);
          await postgres.query(note, [log, sequence, hash]);
        },
        { readOnly: false },
      ),
    read: () =>
      withPostgres(async (postgres) => {
        if (!(await hasTable(postgres))) return [];
        const { rows } = await postgres.query<{ sequence: number; hash: string; noted_at: Date }>(read, [
          log,
        ]);
        return rows.map(({ sequence, hash, noted_at }) => ({ sequence, hash, at: noted_at.toISOString() }));
      }),
  };
}

async function hasTable(postgres: Postgres): Promise<boolean> {
  const { rows } = await postgres.query<{ there: boolean }>(isThere);
  return rows[0]?.there ?? false;
}
