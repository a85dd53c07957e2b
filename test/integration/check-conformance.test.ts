import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findingsStatement } from '../../src/checks/findings.ts';
import { checkIds } from '../../src/checks/index.ts';
import { type CheckDatabase, loadPlatformChecks, startCheckDatabase, withClient } from './check-database.ts';

const checks = await loadPlatformChecks();

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
      for (const since of [null, new Date()]) {
        const { text, values } = findingsStatement(check, { since, limit: 20 });
        const { rows } = await client.query(`EXPLAIN ${text}`, [...values]);
        expect(JSON.stringify(rows)).not.toMatch(/ModifyTable|LockRows/);
      }
    }),
  );

  it.each(checks)('$id returns exactly the columns that its header explains', (check) =>
    withClient(database.url, async (client) => {
      const { text, values } = findingsStatement(check, { since: null, limit: 0 });
      const { fields } = await client.query(text, [...values]);
      const [, ...columns] = fields.map(({ name }) => name);
      expect(columns).toEqual(check.columns.map(({ name }) => name));
    }),
  );

  it.each(checks)('$id counts what it looks at in the summary', ({ looksAt, id }) => {
    const summary = checks.find((check) => check.id === 'summary');
    const byCatalogueOnly = ['constraints-valid', 'repeated-mastery-runs'];
    expect(byCatalogueOnly.includes(id) || summary?.columns.some(({ name }) => name === looksAt)).toBe(true);
  });
});
