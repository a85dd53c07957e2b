import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { isAlive } from '../../src/adapters/processes.ts';
import { isTraversable, serverAccount } from '../../src/sandbox/account.ts';
import { findRedis } from '../../src/sandbox/redis.ts';
import type { DownReport, UpReport } from '../../src/sandbox/sandbox.ts';
import { makeServicesCache } from '../../src/sandbox/services-cache.ts';
import { readSupervisorState } from '../../src/sandbox/supervisor-plan.ts';
import { testCacheFolder } from '../support/services.ts';

const account = serverAccount();
const canReachSources = isTraversable(packageRoot(), account);
let home: string;

beforeAll(async () => {
  if (account === undefined) return;
  const { signal } = new AbortController();
  const cacheFolder = makeServicesCache(testCacheFolder(), account);
  await findRedis({ cacheFolder, account, signal, onProgress: () => undefined });
  home = mkdtempSync(join(tmpdir(), 'examctl-test-home-'));
  mkdirSync(join(home, 'cache/sandbox'), { recursive: true });
  for (const name of readdirSync(cacheFolder).filter((entry) => entry.startsWith('redis-'))) {
    cpSync(join(cacheFolder, name), join(home, 'cache/sandbox', name), {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
  execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, home]);
});
afterAll(() => {
  if (home !== undefined) rmSync(home, { recursive: true, force: true });
});

it('runs for an ordinary user, with everything in the state folder', ({ skip }) => {
  skip(account === undefined, 'this is an ordinary user: all other tests of the sandbox prove it');
  skip(!canReachSources, 'an ordinary user cannot reach the sources here');
  const state = join(home, 'state');
  try {
    const report = asOrdinaryUser<UpReport>('up');
    expect(report).toMatchObject({ outcome: 'started', state: 'running', folder: join(state, 'sandbox') });
    expect(report.parts.map((part) => part.state)).toEqual(Array(6).fill('running'));
    for (const { pid } of report.parts) expect(statSync(`/proc/${pid}`).uid).toBe(account?.uid);
  } finally {
    const running = readSupervisorState(join(state, 'sandbox/state.json'));
    expect(asOrdinaryUser<DownReport>('down')).toMatchObject({ outcome: 'removed' });
    expect([...(running?.parts ?? [])].filter(isAlive)).toEqual([]);
  }
  expect(existsSync(join(state, 'sandbox'))).toBe(false);
});

function asOrdinaryUser<Report>(verb: string): Report {
  const node = [process.execPath, '--import', import.meta.resolve('tsx')];
  const script = join(packageRoot(), 'test/support/sandbox-command.ts');
  const user = ['--reuid', String(account?.uid), '--regid', String(account?.gid), '--clear-groups'];
  const args = [...user, ...node, script, verb, join(home, 'state'), join(home, 'cache')];
  const env = { ...process.env, HOME: home };
  return JSON.parse(execFileSync('setpriv', args, { encoding: 'utf8', cwd: '/', env })) as Report;
}
