import { backendRestart } from './backend-restart.ts';
import { clockSkew } from './clock-skew.ts';
import { connectionExhaustion } from './connection-exhaustion.ts';
import { cpuStress } from './cpu-stress.ts';
import { databaseOutage } from './database-outage.ts';
import { databaseSlow } from './database-slow.ts';
import { diskFull } from './disk-full.ts';
import { edgeRestart } from './edge-restart.ts';
import type { FaultDefinition } from './fault.ts';
import { fullBackendRestart } from './full-backend-restart.ts';
import { memoryStress } from './memory-stress.ts';
import { networkCut } from './network-cut.ts';
import { networkDelay } from './network-delay.ts';
import { networkLoss } from './network-loss.ts';
import { redisHang } from './redis-hang.ts';
import { redisOutage } from './redis-outage.ts';
import { vendorErrors } from './vendor-errors.ts';
import { workerKill } from './worker-kill.ts';

export const faults: readonly FaultDefinition[] = [
  backendRestart,
  clockSkew,
  connectionExhaustion,
  cpuStress,
  databaseOutage,
  databaseSlow,
  diskFull,
  edgeRestart,
  fullBackendRestart,
  memoryStress,
  networkCut,
  networkDelay,
  networkLoss,
  redisHang,
  redisOutage,
  vendorErrors,
  workerKill,
];
