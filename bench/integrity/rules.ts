import type pg from 'pg';

const filledTables = [
  'test_sessions',
  'session_questions',
  'session_answers',
  'attempt_events',
  'user_theme_mastery',
];

export interface Rule {
  readonly table: string;
  readonly isForeignKey: boolean;
  readonly drop: string;
  readonly create: string;
}

/** What makes loading slow, with the statements that the server itself gives to make it again. */
export async function slowRules(client: pg.Client): Promise<Rule[]> {
  const { rows } = await client.query<Rule>(
    `WITH filled AS (SELECT to_regclass(name) AS oid FROM unnest($1::text[]) AS name)
     SELECT conrelid::regclass::text AS table, contype = 'f' AS "isForeignKey",
       format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS create
     FROM pg_constraint
     WHERE conrelid IN (SELECT oid FROM filled) AND contype IN ('p', 'u', 'f')
       OR confrelid IN (SELECT oid FROM filled) AND contype = 'f'
     UNION ALL
     SELECT indrelid::regclass::text, false, format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
     FROM pg_index
     WHERE indrelid IN (SELECT oid FROM filled)
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
     ORDER BY "isForeignKey" DESC, drop`,
    [filledTables],
  );
  return rows;
}

/** Everything that the catalogue knows about constraints, indexes and triggers, to see that all is as it was. */
export async function describeRules(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ rule: string }>(
    `SELECT format('%s %s %s %s', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid)) AS rule
     FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     UNION ALL
     SELECT format('%s %s', pg_get_indexdef(indexrelid), indisvalid) FROM pg_index
     WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
     UNION ALL
     SELECT format('%s %s', pg_get_triggerdef(oid), tgenabled) FROM pg_trigger WHERE NOT tgisinternal
     ORDER BY rule`,
  );
  return rows.map(({ rule }) => rule).join('\n');
}
