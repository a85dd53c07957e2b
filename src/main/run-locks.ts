import { runLockInFile } from '../adapters/run-lock-file.ts';
import { runLockInPostgres } from '../adapters/run-lock-postgres.ts';
import { runLocks } from '../adapters/run-locks.ts';
import type { Environment } from '../lifecycle/environment.ts';
import type { RunLocks } from '../lifecycle/run-lock.ts';

export function runLocksOf(environment: Environment, state: string): RunLocks {
  const inFile = runLockInFile(state, environment.name);
  const both = runLocks(runLockInPostgres(environment), inFile);
  return {
    ...both,
    // what a run is about to make has no database yet, and nobody on another machine can reach it
    acquire: async (...request) =>
      (environment.ephemeral === undefined || (await environment.ephemeral.isUp()) ? both : inFile).acquire(
        ...request,
      ),
  };
}
