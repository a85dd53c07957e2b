import { backendRestart } from './backend-restart.ts';
import type { FaultDefinition } from './fault.ts';
import { redisOutage } from './redis-outage.ts';
import { workerRestart } from './worker-restart.ts';

export const faults: readonly FaultDefinition[] = [backendRestart, redisOutage, workerRestart];
