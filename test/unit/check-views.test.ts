import { describe, expect, it } from 'vitest';
import type { Check } from '../../src/checks/check.ts';
import { viewsFrom } from '../../src/checks/checks-from.ts';
import { groupChecks, packGroups } from '../../src/checks/statements/plan-statements.ts';
import { sharedViewsOf, viewsOf } from '../../src/checks/statements/views.ts';

const view = (name: string, sql: string, shared?: string) => ({
  file: `${name}.sql`,
  header: new Map(
    Object.entries({ id: name, title: name, ...(shared ? { shared } : {}) }).map(([key, value], index) => [
      key,
      { value, line: index + 1 },
    ]),
  ),
  sql,
});
const views = viewsFrom([
  view('narrow', 'SELECT id, count(*) AS rows FROM t GROUP BY id', 'SELECT id, rows FROM wide'),
  view('wide', 'SELECT id, count(*) AS rows, sum(a) AS total FROM t GROUP BY id'),
  view('judged', 'SELECT id FROM wide WHERE total > 1'),
]);
const check = (id: string, sql: string, window: Check['window'] = 'sessions') =>
  ({ id, sql, window }) as Check;
const rows = check('rows', 'SELECT * FROM narrow');
const totals = check('totals', 'SELECT * FROM judged');
const other = check('other', 'SELECT * FROM t');
const idsOf = (groups: Check[][]) => groups.map((group) => group.map(({ id }) => id));

describe('a view that could be taken from another', () => {
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
});

describe('statements of few rows', () => {
  const costing = (id: string, costClass: Check['cost']['class'], window: Check['window'] = 'sessions') =>
    ({ id, sql: '', window, cost: { class: costClass, words: '' } }) as Check;

  it('are as many as there are connections, of about the same weight, for each window', () => {
    const groups = [
      [costing('a', 'index')],
      [costing('b', 'join')],
      [costing('c', 'scan'), costing('d', 'scan')],
      [costing('e', 'join')],
      [costing('f', 'index', 'time')],
    ];

    expect(idsOf(packGroups(groups, 2))).toEqual([['b', 'c', 'd'], ['e', 'a'], ['f']]);
    expect(idsOf(packGroups(groups, 1))).toEqual([['b', 'e', 'c', 'd', 'a'], ['f']]);
    expect(packGroups([], 2)).toEqual([]);
  });
});
