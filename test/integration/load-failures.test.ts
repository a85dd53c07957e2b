import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findK6 } from '../../src/adapters/k6.ts';
import { loadReport } from '../../src/commands/load-report.ts';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { type LoadOptions, runLoad } from '../../src/load/run-load.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { loadPorts } from '../support/load-ports.ts';

const k6 = await findK6(process.env);
const engines = [
  { engine: 'builtin', workers: 1, why: null },
  { engine: 'builtin', workers: 2, why: null },
  { engine: 'k6', workers: 1, why: 'missing' in k6 ? k6.missing : null },
] as const;

const asked = new Set<string | undefined>();
const refusing = createServer((request, response) => {
  asked.add(request.url);
  response
    .writeHead(422, { 'x-request-id': 'request-7', 'content-type': 'application/json' })
    .end(JSON.stringify({ detail: 'no block A for load-1@example.com', token: 'eyJhbGciOiJI.x.y' }));
});
let folder: string;
const baseUrl = 'http://exams.invalid/v1';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-load-failures-'));
  // k6 would take over what an old project left in the home folder: no summary, another host
  mkdirSync(join(folder, '.config', 'k6'), { recursive: true });
  const left = { noSummary: true, hosts: { '127.0.0.1': '127.0.0.2' } };
  writeFileSync(join(folder, '.config', 'k6', 'config.json'), JSON.stringify(left));
  if ('binary' in k6) process.env.K6_BIN = k6.binary;
  Object.assign(process.env, { HOME: folder, XDG_CONFIG_HOME: join(folder, '.config') });
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  // the server is the proxy itself: who comes to it has gone by the proxy, as the host does not exist
  const proxy = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
  Object.assign(process.env, { HTTP_PROXY: proxy, NO_PROXY: 'other.example' });
});
afterAll(() => {
  refusing.closeAllConnections();
  refusing.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(engines)(
  'load that the platform refuses, by $engine with $workers',
  ({ engine, workers, why }) => {
    it.skipIf(why !== null)(
      'names endpoint, status, what was said first, and the request id, also through a proxy',
      async () => {
        const environment = {
          name: 'staging',
          protected: false,
          platform: examPlatform,
          api: { baseUrl: async () => baseUrl },
          thresholds: { p95Ms: 500, errorRate: 0.01, dbPool: 0.8 },
          withPostgres: async () => ({ rows: [{ in_progress: 0, last_ends_at: null }] }),
        } as unknown as Environment;
        const options: LoadOptions = {
          environment,
          scenario: 'answers',
          engine,
          workers,
          folder: join(folder, `${engine}-${workers}`),
          overrides: { students: 2, seconds: 1 },
          identities: ['a', 'b'].map((userId) => ({
            userId,
            email: `${userId}@x`,
            token: `token-of-${userId}`,
          })),
          signal: new AbortController().signal,
        };
        asked.clear();
        const result = await runLoad(options, loadPorts);
        expect([...asked]).toEqual([`${baseUrl}/sessions`]);
        const said = '{"detail":"no block A for ***","token":***}';
        expect(result.causes).toEqual([
          { endpoint: 'create-session', status: 422, times: 2, first: { said, requestId: 'request-7' } },
        ]);
        const rate = result.outcomes.find(({ id }) => id === 'load-error-rate');
        expect(rate).toMatchObject({
          outcome: 'fail',
          message: `2 of 2 requests failed before anything could be measured, 100 % (limit 1 %): 2 x 422; 2 x create-session 422, the first: ${said} (request id request-7)`,
        });
        const { blocks } = loadReport(result, null, folder);
        expect(JSON.stringify(blocks)).toContain('request-7');
        for (const name of readdirSync(options.folder))
          expect(readFileSync(join(options.folder, name), 'utf8'), name).not.toMatch(
            /eyJ|load-1|token-of|@x/,
          );
      },
    );
  },
);
