import { describe, expect, it } from 'vitest';
import type { Check } from '../../src/checks/check.ts';
import { viewsFrom } from '../../src/checks/checks-from.ts';
import { groupChecks } from '../../src/checks/statements/plan-statements.ts';
import { sharedViewsOf, viewsOf } from '../../src/checks/statements/views.ts';

const view = (name: string, columns: string, sql: string, partOf?: string) => ({
  file: `${name}.sql`,
  header: new Map(
    Object.entries({ id: name, title: name, columns, ...(partOf ? { 'part-of': partOf } : {}) }).map(
      ([key, value], index) => [key, { value, line: index + 1 }],
    ),
  ),
  sql,
});
const narrow = view('narrow', 'id, rows', 'SELECT id, count(*) AS rows FROM t GROUP BY id', 'wide');
const wide = view(
  'wide',
  'id, rows (how many), total',
  'SELECT id, count(*) AS rows, sum(a) AS total FROM t GROUP BY id',
);
const judged = view('judged', 'id', 'SELECT id FROM wide WHERE total > 1');
const views = viewsFrom([narrow, wide, judged]);
const check = (id: string, sql: string, window: Check['window'] = 'sessions') =>
  ({ id, sql, window }) as Check;
const rows = check('rows', 'SELECT * FROM narrow');
const totals = check('totals', 'SELECT * FROM judged');
const other = check('other', 'SELECT * FROM t');
const idsOf = (groups: Check[][]) => groups.map((group) => group.map(({ id }) => id));

describe('a view that is part of another', () => {
  it('takes its own way where nothing computes the other one', () => {
    expect(sharedViewsOf([rows.sql], views)).toEqual(viewsOf([rows.sql], views));
  });

  it('is read from the other one where the statement computes that anyway, also for another view', () => {
    const used = sharedViewsOf([rows.sql, totals.sql], views);

    expect(used.map(({ name }) => name)).toEqual(['wide', 'narrow', 'judged']);
    expect(used[1]?.sql).toBe('SELECT id, rows FROM wide');
  });

  it('brings its check into the statement of that other one', () => {
    expect(idsOf(groupChecks([rows, other, totals], views, { scoped: false }))).toEqual([
      ['rows', 'totals'],
      ['other'],
    ]);
    expect(idsOf(groupChecks([rows, other], views, { scoped: false }))).toEqual([['rows'], ['other']]);
  });

  it('does not where a window leaves something else of the tables for each', () => {
    const timed = check('rows', rows.sql, 'time');

    expect(idsOf(groupChecks([timed, totals], views, { scoped: true }))).toEqual([['rows'], ['totals']]);
    expect(idsOf(groupChecks([rows, totals], views, { scoped: true }))).toEqual([['rows', 'totals']]);
  });

  it('must name one that there is', () => {
    expect(() => viewsFrom([narrow])).toThrow('narrow.sql:4 part-of: there is no view "wide"');
  });
});
