import type { Collector } from './collector.ts';

interface SessionGroup {
  readonly mode: string;
  readonly status: string;
  readonly sessions: number;
  readonly overdue: number;
  readonly recent: number;
}

export const sessionsByState: Collector = {
  id: 'sessions-by-state',
  title: 'exam sessions',
  unit: 'sessions',
  help:
    'In progress are exam sessions that are active and not past their end. Overdue ones are past it and stay ' +
    'active until somebody reads them: that is normal.',
  async collect({ environment, since }) {
    return environment.withPostgres(async (postgres) => {
      const progress = await postgres.query<{ in_progress: number; last_ends_at: Date | null }>(
        environment.platform.sessionsInProgressSql,
      );
      const groups = await postgres.query<SessionGroup>(
        `SELECT mode::text AS mode, status::text AS status, count(*)::int AS sessions,
                (count(*) FILTER (WHERE status = 'ACTIVE' AND expires_at <= now()))::int AS overdue,
                (count(*) FILTER (WHERE started_at >= $1))::int AS recent
           FROM test_sessions
          GROUP BY mode, status
          ORDER BY mode, status`,
        [since],
      );
      const [now] = progress.rows;
      const sum = (key: 'sessions' | 'overdue' | 'recent') =>
        groups.rows.reduce((total, group) => total + group[key], 0);
      return {
        figures: [
          { name: 'in_progress', title: 'in progress', value: now?.in_progress ?? null, unit: 'sessions' },
          {
            name: 'last_ends_at',
            title: 'the last ends',
            value: now?.last_ends_at?.toISOString() ?? null,
            unit: 'time',
          },
          { name: 'sessions', title: 'of all times', value: sum('sessions'), unit: 'sessions' },
          { name: 'started_since', title: 'started since', value: sum('recent'), unit: 'sessions' },
          { name: 'overdue', title: 'overdue', value: sum('overdue'), unit: 'sessions' },
        ],
        tables: [
          {
            name: 'by_mode_and_status',
            title: 'by mode and status',
            columns: ['mode', 'status', 'sessions', 'started_since', 'overdue'],
            rows: groups.rows.map(({ mode, status, sessions, recent, overdue }) => [
              mode,
              status,
              sessions,
              recent,
              overdue,
            ]),
          },
        ],
      };
    });
  },
};
