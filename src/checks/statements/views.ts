import type { SqlView } from '../check.ts';
import { namesIn } from './scope.ts';

/** The views that statements select from, and those that these select from, each after what it needs. */
export function viewsOf(sqls: readonly string[], views: readonly SqlView[]): SqlView[] {
  const found = new Set<SqlView>();
  const visit = (sql: string): void => {
    for (const name of namesIn(
      sql,
      views.map((view) => view.name),
    )) {
      const view = views.find((candidate) => candidate.name === name);
      if (view === undefined || found.has(view)) continue;
      visit(view.sql);
      found.add(view);
    }
  };
  sqls.forEach(visit);
  return [...found];
}

/**
 * The views of one statement. A view that is part of another costs nothing where the statement computes that other one
 * anyway, so it is read from there; alone it takes its own, cheaper way.
 */
export function sharedViewsOf(sqls: readonly string[], views: readonly SqlView[]): SqlView[] {
  const computed = new Set(viewsOf(sqls, views).map(({ name }) => name));
  const sharing = views.map((view) =>
    view.partOf !== undefined && computed.has(view.partOf)
      ? { ...view, sql: `SELECT ${view.columns.join(', ')} FROM ${view.partOf}` }
      : view,
  );
  return viewsOf(sqls, sharing);
}

/** The names by which statements can share: their views, and those that these are part of. */
export function shareableNames(sql: string, views: readonly SqlView[]): string[] {
  return viewsOf([sql], views).flatMap(({ name, partOf }) =>
    partOf === undefined ? [name] : [name, partOf],
  );
}
