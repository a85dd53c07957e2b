import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../src/adapters/ports.ts';
import { endProcess, identify } from '../../src/adapters/processes.ts';
import { serverAccount } from '../../src/sandbox/account.ts';
import { ownServers, removeAbandoned } from '../../src/sandbox/owned-servers.ts';
import {
  createDatabase,
  databaseUrl,
  initPostgres,
  postgresBinaries,
  probePostgres,
  spawnPostgres,
  untilAnswering,
} from '../../src/sandbox/postgres.ts';
import { makeServicesCache } from '../../src/sandbox/services-cache.ts';
import { testCacheFolder } from '../support/services.ts';

const prefix = `examctl-check-server-${process.getuid?.()}-`;

function childrenOf(pid: number | undefined): number[] {
  const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return listed
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (child !== undefined && parent === pid ? [child] : []));
}

/** A PostgreSQL of its own that a test may restart, with an empty database. */
export async function startRestartableServer() {
  await removeAbandoned(tmpdir(), (name) => name.startsWith(prefix));
  const account = serverAccount();
  const binaries = await postgresBinaries(makeServicesCache(testCacheFolder(), account), account);
  const { signal } = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), prefix));
  await chmod(folder, 0o711);
  const owned = ownServers(folder);
  const dataFolder = join(folder, 'postgres');
  const password = 'restartable';
  const [port = 0] = await freePorts(1);

  const start = async () => {
    const log = openSync(join(folder, 'log'), 'a', 0o600);
    const child = spawnPostgres({ binaries, account, dataFolder, port, log });
    closeSync(log);
    owned.add(child.pid);
    const probe = () => probePostgres(databaseUrl(port, password, 'postgres'), 2_000);
    await untilAnswering(probe, { child, milliseconds: 20_000, signal });
    return child;
  };

  await initPostgres({ binaries, account, dataFolder, password, signal });
  let child = await start();
  await createDatabase(port, password);
  return {
    databaseUrl: databaseUrl(port, password),
    stop: owned.remove,
    /** Stops all of its processes, as a machine that hangs does, for as long as that takes. */
    async frozen<T>(meanwhile: () => Promise<T>): Promise<T> {
      const own = [child.pid, ...childrenOf(child.pid)].filter((pid) => pid !== undefined);
      for (const pid of own) process.kill(pid, 'SIGSTOP');
      try {
        return await meanwhile();
      } finally {
        for (const pid of own) process.kill(pid, 'SIGCONT');
      }
    },
    /** the fast shutdown of a maintenance, which ends all connections, and a start */
    async restart(): Promise<void> {
      const identity = child.pid === undefined ? undefined : identify(child.pid);
      if (identity !== undefined) await endProcess(identity, ['SIGINT', 'SIGQUIT']);
      child = await start();
    },
  };
}
