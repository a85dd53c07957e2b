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

/** The views of one statement, some of them from others that it computes anyway, where they say how. */
export function sharedViewsOf(sqls: readonly string[], views: readonly SqlView[]): SqlView[] {
  const computed = new Set(viewsOf(sqls, views).map(({ name }) => name));
  const sharing = views.map((view) =>
    view.shared !== undefined && sourcesOf(view, views).every((name) => computed.has(name))
      ? { ...view, sql: view.shared }
      : view,
  );
  return viewsOf(sqls, sharing);
}

/** The names by which a statement can share with others: its views, and those that these could be taken from. */
export function shareableNames(sql: string, views: readonly SqlView[]): string[] {
  return viewsOf([sql], views).flatMap((view) => [view.name, ...sourcesOf(view, views)]);
}

function sourcesOf({ shared }: SqlView, views: readonly SqlView[]): string[] {
  if (shared === undefined) return [];
  return namesIn(
    shared,
    views.map(({ name }) => name),
  );
}
