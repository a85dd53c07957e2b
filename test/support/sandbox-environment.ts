import { httpApi } from '../../src/adapters/api.ts';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { openRedis } from '../../src/adapters/redis.ts';
import { sandboxDriver } from '../../src/drivers/sandbox/driver.ts';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { openSandbox } from '../../src/sandbox/access.ts';
import { sandboxHelpers } from './sandbox.ts';

export interface SandboxEnvironment extends Environment {
  close(): Promise<void>;
}

/** A sandbox that is up, opened as main opens it. */
export async function sandboxEnvironment(stateFolder: string): Promise<SandboxEnvironment> {
  const access = openSandbox(stateFolder);
  const api = httpApi({
    url: access.apiUrl,
    basePaths: [access.basePath],
    adminToken: await access.adminToken().then((token) => () => token),
  });
  const helpers = sandboxHelpers(stateFolder);
  return {
    name: 'sandbox',
    protected: false,
    platform: examPlatform,
    helpers,
    driver: sandboxDriver({ stateFolder, helpers }),
    api,
    thresholds: { p95Ms: 500, errorRate: 0.01, dbPool: 0.8 },
    examMode: [{ kind: 'system-flag' }],
    fingerprint: async () => ({}),
    withPostgres: openPostgres(access.databaseUrl),
    withRedis: openRedis(access.redisUrl),
    identities: (count, how) => access.identities(count, how),
    close: () => api.close(),
  };
}
