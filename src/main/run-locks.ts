import { runLockInFile } from '../adapters/run-lock-file.ts';
import { runLockInPostgres } from '../adapters/run-lock-postgres.ts';
import { runLocks } from '../adapters/run-locks.ts';
import type { Environment } from '../lifecycle/environment.ts';
import type { RunLocks } from '../lifecycle/run-lock.ts';

export function runLocksOf(environment: Environment, state: string): RunLocks {
  return runLocks(runLockInPostgres(environment), runLockInFile(state, environment.name));
}
