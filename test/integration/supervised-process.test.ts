import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { childrenOf, isAlive, processStat, processTree } from '../../src/adapters/processes.ts';
import { type Patience, SupervisedProcess } from '../../src/sandbox/supervised-process.ts';

let supervised: SupervisedProcess;
afterEach(() => supervised.stop());

function supervise(script: string, patience: Partial<Patience> = {}): { events: string[] } {
  const events: string[] = [];
  supervised = new SupervisedProcess(
    {
      id: 'part-1',
      service: 'worker',
      spawn: () => spawn(process.execPath, ['-e', script], { stdio: 'ignore' }),
      probe: async () => undefined,
      stopSignals: ['SIGTERM'],
      lastLogLines: () => ['its last words'],
    },
    (event) => events.push(event),
    { firstDelay: 5, longestDelay: 20, failures: 3, stop: 300, ...patience },
  );
  return { events };
}

async function waitFor(holds: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(holds, { interval: 20 }).toBe(true);
}

it('gives up a process that keeps failing, and shows its last words', async () => {
  const { events } = supervise('process.exit(3)');
  supervised.start();
  await waitFor(async () => (await supervised.status()).state === 'stopped');
  const status = await supervised.status();
  expect(status).toMatchObject({
    failures: 3,
    restarts: 2,
    lastRestarts: [{ cause: 'exit code 3' }, { cause: 'exit code 3' }],
  });
  expect(status.detail).toBe(
    'ended 3 times in a row, the last time with exit code 3; its log ends:\nits last words',
  );
  expect(events.filter((event) => event.includes('ended'))).toHaveLength(3);
});

it('tries again when it is told to start what was given up', async () => {
  supervise('process.exit(3)');
  supervised.start();
  await waitFor(async () => (await supervised.status()).state === 'stopped');
  supervised.start();
  expect(await supervised.status()).toMatchObject({ state: 'running', failures: 0 });
});

it('leaves a process stopped that was stopped on purpose', async () => {
  supervise('setInterval(() => {}, 1000)');
  supervised.start();
  const { identity } = supervised;
  await supervised.stop();
  await sleep(100);
  expect(identity && isAlive(identity)).toBe(false);
  expect(await supervised.status()).toMatchObject({
    state: 'stopped',
    detail: 'stopped on purpose',
    restarts: 0,
  });
});

it('does not start again what is stopped while it waits to be started again', async () => {
  supervise('process.exit(3)', { firstDelay: 200 });
  supervised.start();
  await waitFor(async () => (await supervised.status()).detail === 'starts again after exit code 3');
  await supervised.stop();
  await sleep(300);
  expect(await supervised.status()).toMatchObject({ state: 'stopped' });
  expect(supervised.identity).toBeUndefined();
});

it('ends by force what does not end when it is asked to', async () => {
  supervise(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`);
  supervised.start();
  const { identity } = supervised;
  await sleep(300);
  await supervised.stop();
  expect(identity && isAlive(identity)).toBe(false);
});

it('pauses a process with those that it has started, and lets them go on with a start', async () => {
  const child = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);`;
  const { events } = supervise(`${child} setInterval(() => {}, 1000)`);
  supervised.start();
  const { pid = 0 } = supervised.identity ?? {};
  await waitFor(() => childrenOf(pid).length === 1);
  const states = () => processTree(pid).map((member) => processStat(member)?.state);

  supervised.pause();
  supervised.pause();
  expect(states()).toEqual(['T', 'T']);
  expect(await supervised.status()).toMatchObject({ state: 'unhealthy', detail: 'paused', pid });
  supervised.start();
  await waitFor(() => !states().includes('T'));
  expect(await supervised.status()).toMatchObject({ state: 'running', pid });
  expect(events.filter((event) => event.includes('paused'))).toHaveLength(1);

  const [grandchild = 0] = childrenOf(pid);
  supervised.pause();
  await supervised.kill();
  // its parent is gone, and nobody else would let it go on
  await waitFor(() => processStat(grandchild)?.state !== 'T');
  process.kill(grandchild, 'SIGKILL');
  await waitFor(async () => (await supervised.status()).state === 'running');
  expect(await supervised.status()).toMatchObject({ restarts: 1 });
});

it('ends in order what is paused, and pauses nothing that does not run', async () => {
  supervise('setInterval(() => {}, 1000)', { stop: 3_000 });
  supervised.start();
  await sleep(300);
  supervised.pause();
  await supervised.stop();
  expect(() => supervised.pause()).toThrow('part-1 does not run');
});

it('tells why a program cannot be started at all', async () => {
  supervised = new SupervisedProcess(
    {
      id: 'part-1',
      service: 'worker',
      spawn: () => spawn('/no/such/program', { stdio: 'ignore' }),
      probe: async () => undefined,
      stopSignals: ['SIGTERM'],
      lastLogLines: () => [],
    },
    () => undefined,
    { firstDelay: 5, failures: 1 },
  );
  supervised.start();
  await waitFor(async () => (await supervised.status()).state === 'stopped');
  expect((await supervised.status()).detail).toContain('ENOENT');
});
