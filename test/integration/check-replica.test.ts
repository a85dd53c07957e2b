import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../src/adapters/ports.ts';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { endProcess, identify } from '../../src/adapters/processes.ts';
import { serverPosition } from '../../src/checks/incremental/server-position.ts';
import { runChecks } from '../../src/checks/running/run-checks.ts';
import { chooseDatabase } from '../../src/checks/server/replica.ts';
import { pseudonymiser } from '../../src/lifecycle/pseudonym.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { serverAccount } from '../../src/sandbox/account.ts';
import { ownServers, removeAbandoned } from '../../src/sandbox/owned-servers.ts';
import { examRecords } from '../../src/sandbox/plants/exam-records.ts';
import { plantNearMisses } from '../../src/sandbox/plants/near-misses.ts';
import {
  createDatabase,
  databaseUrl,
  initPostgres,
  postgresBinaries,
  probePostgres,
  spawnPostgres,
  untilAnswering,
} from '../../src/sandbox/postgres.ts';
import { seed } from '../../src/sandbox/seed.ts';
import { makeServicesCache } from '../../src/sandbox/services-cache.ts';
import { packagedCatalogue } from '../support/catalogue.ts';
import { testCacheFolder } from '../support/services.ts';
import { withClient } from './check-database.ts';

const prefix = `examctl-replica-${process.getuid?.()}-`;
const password = 'replicated';
const students = 20;

/** A primary with near misses, and a hot standby that streams from it. */
async function startPair() {
  await removeAbandoned(tmpdir(), (name) => name.startsWith(prefix));
  const account = serverAccount();
  const binaries = await postgresBinaries(makeServicesCache(testCacheFolder(), account), account);
  const { signal } = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(folder, 0o711);
  const owned = ownServers(folder);
  const [primaryPort = 0, replicaPort = 0] = await freePorts(2);
  const start = async (dataFolder: string, port: number) => {
    const log = openSync(join(folder, 'log'), 'a', 0o600);
    const child = spawnPostgres({ binaries, account, dataFolder, port, log });
    closeSync(log);
    owned.add(child.pid);
    const probe = () => probePostgres(databaseUrl(port, password, 'postgres'), 2_000);
    await untilAnswering(probe, { child, milliseconds: 20_000, signal });
    return identify(child.pid ?? 0);
  };

  const data = join(folder, 'primary');
  await initPostgres({ binaries, account, dataFolder: data, password, signal });
  const first = await start(data, primaryPort);
  await createDatabase(primaryPort, password);
  const url = databaseUrl(primaryPort, password);
  await seed(url, { students });
  await withClient(url, (client) => plantNearMisses(examRecords(client, students)));
  if (first !== undefined) await endProcess(first, ['SIGINT']);

  // A copy of a server that is down is a base backup.
  const copy = join(folder, 'replica');
  cpSync(data, copy, { recursive: true });
  writeFileSync(join(copy, 'standby.signal'), '');
  writeFileSync(
    join(copy, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=127.0.0.1 port=${primaryPort} user=exam_user password=${password}'\n`,
  );
  if (account !== undefined) ownedBy(copy, account);
  chmodSync(copy, 0o700);
  await start(data, primaryPort);
  const replica = await start(copy, replicaPort);
  return { url, replicaUrl: databaseUrl(replicaPort, password), replica, stop: owned.remove };
}

function ownedBy(folder: string, { uid, gid }: { uid: number; gid: number }): void {
  for (const entry of readdirSync(folder, { recursive: true }))
    chownSync(join(folder, String(entry)), uid, gid);
  chownSync(folder, uid, gid);
}

describe('on a real replica', () => {
  let pair: Awaited<ReturnType<typeof startPair>>;
  beforeAll(async () => {
    pair = await startPair();
  });
  afterAll(() => pair.stop());

  const signal = new AbortController().signal;
  const choose = () =>
    chooseDatabase({ withPostgres: openPostgres(pair.url), replica: openPostgres(pair.replicaUrl) }, signal);
  /** writes on the primary, and waits until the replica has it */
  const write = async (text: string) => {
    const lsn = await withClient(pair.url, async (client) => {
      await client.query(text);
      return (await client.query('SELECT pg_current_wal_flush_lsn() AS lsn')).rows[0].lsn;
    });
    await withClient(pair.replicaUrl, async (client) => {
      for (;;) {
        const { rows } = await client.query('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there', [lsn]);
        if (rows[0].there) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
  };

  it('checks see what it has replayed, on two connections with one snapshot, and say how far it is', async () => {
    await write(
      `INSERT INTO test_sessions (id, user_id, mode, status, year, blocks_json, total_questions, submitted_at)
       SELECT gen_random_uuid(), id, 'EXAM', 'SUBMITTED', 1, '["A"]', 0, now() FROM users WHERE role = 'STUDENT' LIMIT 1`,
    );
    const { withPostgres, notes } = await choose();
    const snapshots: (string | undefined)[] = [];
    const watched: typeof withPostgres = (use, options) => {
      snapshots.push(options?.snapshot);
      return withPostgres(use, options);
    };

    const run = await runChecks({
      environment: { name: 'test', platform: examPlatform, withPostgres: watched },
      catalogue: await packagedCatalogue(),
      students: pseudonymiser('a salt'),
      connections: 2,
      signal,
    });

    expect(notes).toEqual([
      expect.stringMatching(/^read from the replica(, which has replayed .*)?; its last transaction/),
    ]);
    expect(run.outcomes.filter(({ outcome }) => outcome === 'unknown')).toEqual([]);
    expect(run.outcomes.find(({ id }) => id === 'unscored-sessions')).toMatchObject({ findings: 1 });
    // the first one exports the snapshot that the second one takes; which of them asks what is a matter of time
    expect(snapshots).toEqual([undefined, expect.stringMatching(/^[0-9A-F-]+$/)]);
  });

  it('stands where its primary stood, ten minutes back, as the transactions there cannot be seen', async () => {
    const facts = examPlatform.integrity;
    const primary = await serverPosition(openPostgres(pair.url), facts);
    const replica = await serverPosition(openPostgres(pair.replicaUrl), facts);

    expect(replica.server).toBe(primary.server);
    expect(Number(replica.now) - Number(replica.settled)).toBeGreaterThanOrEqual(600_000);
  });

  it('that is gone gives way to the primary', async () => {
    if (pair.replica !== undefined) await endProcess(pair.replica, ['SIGINT']);

    const { withPostgres, notes } = await choose();

    expect(notes).toEqual([expect.stringContaining('read from the primary')]);
    await withPostgres(async (postgres) => {
      const { rows } = await postgres.query('SELECT pg_is_in_recovery() AS replica');
      expect(rows).toEqual([{ replica: false }]);
    });
  });
});
