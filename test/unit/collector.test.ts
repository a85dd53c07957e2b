import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseInfo } from '../../src/adapters/redis.ts';
import { captureMetrics } from '../../src/collectors/capture.ts';
import { cellText, figureText } from '../../src/collectors/capture-summary.ts';
import type { Collector } from '../../src/collectors/collector.ts';
import { databaseConnections } from '../../src/collectors/database-connections.ts';
import { collectors } from '../../src/collectors/index.ts';
import { type ConnectionGroup, poolUse } from '../../src/collectors/pool-use.ts';
import { redisFigures } from '../../src/collectors/redis-info.ts';
import { metricsReport } from '../../src/commands/metrics.ts';
import { unavailableDriver } from '../../src/drivers/unavailable.ts';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';

describe('the use of the pool', () => {
  const capacity = { workers: 2, perWorker: 20, connections: 40 };
  const group = (application: string, state: string, connections: number, pool = true): ConnectionGroup => ({
    application,
    state,
    connections,
    pool,
  });

  test('counts what is lent out: a connection that leaks is idle in a transaction, one at rest is idle', () => {
    const use = poolUse(
      [
        group('examplatform-backend-1', 'idle', 2),
        group('examplatform-backend-1', 'active', 1),
        group('examplatform-backend-1', 'idle in transaction', 17),
        group('examplatform-backend-2', 'idle', 9),
        group('psql', 'idle', 5, false),
      ],
      capacity,
    );
    expect(use).toEqual({ open: 29, used: 18, idleInTransaction: 17, share: 0.45, worstWorkerShare: 0.9 });
  });

  test('cannot tell workers apart that name no application', () => {
    expect(poolUse([group('', 'active', 30)], capacity)).toMatchObject({
      share: 0.75,
      worstWorkerShare: null,
    });
  });

  test('has no share when there is no worker', () => {
    expect(poolUse([], { workers: 0, perWorker: 20, connections: 0 }).share).toBeNull();
  });
});

test('the cache tells its hit rate from hits and misses, and none without lookups', () => {
  const info = parseInfo(
    '# Stats\r\nkeyspace_hits:3\r\nkeyspace_misses:1\r\nused_memory:1048576\r\nredis_version:7.0.15\r\n',
  );
  const value = (name: string, from = redisFigures(info)) =>
    from.find((figure) => figure.name === name)?.value;
  expect(value('hit_rate')).toBe(0.75);
  expect(value('used_memory')).toBe(1_048_576);
  expect(value('version')).toBe('7.0.15');
  expect(value('evicted_keys')).toBeNull();
  expect(value('hit_rate', redisFigures({ keyspace_hits: '0', keyspace_misses: '0' }))).toBeNull();
});

test('figures are written with their units', () => {
  expect(figureText({ name: 'a', title: 'a', value: 0.8123, unit: 'share' })).toBe('81.2 %');
  expect(figureText({ name: 'a', title: 'a', value: 2_097_152, unit: 'bytes' })).toBe('2.0 MiB');
  expect(figureText({ name: 'a', title: 'a', value: 12.345, unit: 'ms' })).toBe('12.3 ms');
  expect(figureText({ name: 'a', title: 'a', value: null, unit: 'ms' })).toBe('none');
  expect(cellText(0.25, 'cpu_cores')).toBe('0.25');
  expect(cellText(1_024, 'memory_bytes')).toBe('1.0 KiB');
});

test('every collector has an id of its own, a title, a unit and help', () => {
  expect(new Set(collectors.map(({ id }) => id)).size).toBe(collectors.length);
  for (const { id, title, unit, help } of collectors) {
    expect(id).toMatch(/^[a-z-]+$/);
    expect(title && unit && help).not.toBe('');
  }
});

describe('a capture', () => {
  const environment = { name: 'nowhere', platform: examPlatform } as Environment;
  const ok: Collector = {
    id: 'ok',
    title: 'something',
    unit: 'things',
    help: 'Says nothing.',
    async collect({ evidence }) {
      await evidence('raw.ndjson').write('{"thing": 1}');
      return {
        figures: [{ name: 'things', title: 'things', value: 1, unit: 'things' }],
        tables: [{ name: 'by_kind', title: 'by kind', columns: ['kind', 'things'], rows: [['a|b', 1]] }],
      };
    },
  };
  const failing: Collector = {
    ...ok,
    id: 'failing',
    title: 'nothing',
    collect: () =>
      Promise.reject(new Undetermined('the cache cannot be reached', { hint: 'examctl status' })),
  };
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'examctl-capture-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const capture = (collectors: readonly Collector[], into = folder) =>
    captureMetrics({
      environment,
      folder: into,
      since: new Date(),
      signal: new AbortController().signal,
      collectors,
    });

  test('shows a collector that failed, with the reason, and keeps the others', async () => {
    const { collectors, outcomes, files } = await capture([failing, ok]);
    expect(collectors.map(({ id, result, reason }) => [id, result, reason])).toEqual([
      ['failing', 'failed', 'the cache cannot be reached'],
      ['ok', 'ok', undefined],
    ]);
    expect(outcomes.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['collected-failing', 'unknown'],
      ['collected-ok', 'pass'],
    ]);
    expect(files).toEqual(['metrics.json', 'summary.md', 'evidence/raw.ndjson', 'evidence/ok.json']);
    const summary = await readFile(join(folder, 'summary.md'), 'utf8');
    expect(summary).toContain('**1 of 2 collectors failed: failing.**');
    expect(summary).toContain('**Not read:** the cache cannot be reached (examctl status)');
    expect(summary).toContain('| a\\|b | 1 |');
    expect(await readFile(join(folder, 'evidence/raw.ndjson'), 'utf8')).toBe('{"thing": 1}\n');
    const written = JSON.parse(await readFile(join(folder, 'metrics.json'), 'utf8'));
    expect(written.collectors).toHaveLength(2);
  });

  test('exits 3 when something could not be read, 0 when everything was', async () => {
    expect(metricsReport(await capture([failing, ok])).exitCode).toBe(3);
    expect(metricsReport(await capture([ok])).exitCode).toBe(0);
  });

  test('of a collector with a bug is not passed off as one that failed', async () => {
    const bug: Collector = { ...ok, collect: () => Promise.reject(new TypeError('x is not a function')) };
    await expect(capture([bug])).rejects.toThrow(TypeError);
  });

  test('says which folder cannot be written', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(capture([ok], file)).rejects.toThrow(Undetermined);
    await expect(capture([ok], file)).rejects.toThrow(file);
  });
});

describe('connections without a driver of the services', () => {
  test('are told by SQL alone: only the share of the pool is unknown', async () => {
    const rows = [{ application: 'examplatform-backend-1', state: 'active', connections: 3, pool: true }];
    const environment = {
      platform: examPlatform,
      driver: unavailableDriver('none', 'elsewhere'),
      withPostgres: (use: (postgres: object) => unknown) =>
        use({
          query: async (sql: string) =>
            sql.includes('max_connections') ? { rows: [{ connections: 7, max: 100 }] } : { rows },
        }),
    } as unknown as Environment;
    const context = { environment } as unknown as Parameters<typeof databaseConnections.collect>[0];

    const { figures } = await databaseConnections.collect(context);

    const figureOf = (name: string) => figures.find((figure) => figure.name === name)?.value;
    expect(figureOf('pool_used')).toBe(3);
    expect(figureOf('server_connections')).toBe(7);
    expect(figureOf('max_connections')).toBe(100);
    expect(figureOf('pool_share')).toBeNull();
    expect(figureOf('pool_capacity')).toBeNull();
    expect(figures.find(({ name }) => name === 'pool_capacity')?.title).toContain('its driver is "none"');
  });
});
