import type { Collector } from './collector.ts';
import { databaseConnections } from './database-connections.ts';
import { processes } from './processes.ts';
import { redisInfo } from './redis-info.ts';
import { requestLog } from './request-log.ts';
import { sessionsByState } from './sessions-by-state.ts';

export const collectors: readonly Collector[] = [
  databaseConnections,
  processes,
  redisInfo,
  requestLog,
  sessionsByState,
];
