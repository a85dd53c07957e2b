import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check } from '../../src/checks/check.ts';
import { checkIds } from '../../src/checks/index.ts';
import type { Scope } from '../../src/checks/statements/scope.ts';
import { statementOf } from '../../src/checks/statements/statement.ts';
import { viewsOf } from '../../src/checks/statements/views.ts';
import { scopeOf } from '../../src/checks/statements/windows.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { packagedCatalogue } from '../support/catalogue.ts';
import { type CheckDatabase, startCheckDatabase, withClient } from './check-database.ts';

const { checks, classic, views, windows } = await packagedCatalogue();
const schemas = new Map(Object.keys(examPlatform.integrity.sessionColumns).map((table) => [table, 'public']));

const statementFor = (check: Check, scope: Scope | null) =>
  statementOf([check], {
    views,
    facts: examPlatform.integrity,
    scope,
    schemas,
    samples: 20,
    accepted: new Map(),
  });
const start = new Date(0);
const scopes: readonly (Scope | null)[] = [
  null,
  scopeOf({ since: start }, windows),
  scopeOf({ exam: { from: start, to: new Date() } }, windows),
  scopeOf({ sessions: ['00000000-0000-4000-8000-000000000000'] }, windows),
  scopeOf({ changedSince: start }, windows),
  scopeOf({ since: start, withoutRehearsal: { emailDomain: null, userIds: [] } }, windows),
];

describe('each check of exam-platform', () => {
  let database: CheckDatabase;
  beforeAll(async () => {
    database = await startCheckDatabase();
  });
  afterAll(() => database.stop());

  it('is in the index, and the index names no other', () => {
    expect(checks.map(({ id }) => id).sort()).toEqual([...checkIds['exam-platform']]);
  });

  it.each(checks)('$id bears the name of its file', ({ id, file }) => {
    expect(basename(file)).toBe(`${id}.sql`);
  });

  it.each(checks)('$id can be planned inside a READ ONLY transaction, with a window and without', (check) =>
    withClient(database.url, async (client) => {
      await client.query('BEGIN READ ONLY');
      for (const scope of scopes) {
        const { text, values } = statementFor(check, scope);
        const { rows } = await client.query(`EXPLAIN ${text}`, [...values]);
        expect(JSON.stringify(rows)).not.toMatch(/ModifyTable|LockRows/);
      }
    }),
  );

  it.each([...checks, ...classic])('$id returns exactly the columns that its header explains', (check) =>
    withClient(database.url, async (client) => {
      const used = viewsOf([check.sql], views).map(({ name, sql }) => `${name} AS (${sql})`);
      const prefix = used.length === 0 ? '' : `WITH ${used.join(', ')}`;
      const { fields } = await client.query(`${prefix} SELECT * FROM (${check.sql}) f LIMIT 0`);
      expect(fields.map(({ name }) => name)).toEqual(check.columns.map(({ name }) => name));
    }),
  );

  it.each(checks)('$id counts what it looks at in the summary', ({ looksAt, id }) => {
    const counted = checks.filter(({ severity }) => severity === 'info').flatMap(({ columns }) => columns);
    const countsNothing =
      ['constraints-valid', 'repeated-mastery-runs'].includes(id) || id.startsWith('count-');
    expect(countsNothing || counted.some(({ name }) => name === looksAt)).toBe(true);
  });
});
