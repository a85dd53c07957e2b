import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { helperProcesses } from '../../src/adapters/helper-processes.ts';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { processStat, readProcFile } from '../../src/adapters/processes.ts';
import { openCompose } from '../../src/drivers/compose/open.ts';
import type {
  Ability,
  Disturbance,
  DisturbanceId,
  Helpers,
  Possibility,
} from '../../src/lifecycle/disturbance.ts';
import type { Driver, Service, Snapshot } from '../../src/lifecycle/environment.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import { serverAccount } from '../../src/sandbox/account.ts';
import {
  composePrograms,
  hostImage,
  startEngine,
  type TestEngine,
  whyNoEngine,
} from '../support/docker-engine.ts';
import { addressOf, ports, type Role } from '../support/exam-stack/services.ts';
import { type ExamStack, stackServices, startExamStack } from '../support/exam-stack.ts';

const [program] = composePrograms.filter(({ missing }) => missing === null);
const why = whyNoEngine() ?? (program === undefined ? 'there is no docker compose' : null);

describe('what examctl disturbs in containers', () => {
  if (why !== null || program === undefined) {
    process.stderr.write(`skipped: what examctl disturbs in containers: ${why}\n`);
    return it('is tried', ({ skip }) => skip(why ?? ''));
  }

  let engine: TestEngine;
  let stack: ExamStack;
  let helpers: Helpers;
  let driver: Driver;
  let token: string;
  let secret: (name: string) => string;
  const { signal } = new AbortController();
  const open: DisturbanceId[] = [];

  beforeAll(async () => {
    engine = await startEngine();
    program.install(engine);
    const { command } = program;
    stack = await startExamStack(engine, { project: 'exam', command, workers: 2, students: 20 });
    const examctl = [process.execPath, join(packageRoot(), 'bin/examctl.js')];
    helpers = helperProcesses({ program: examctl, flags: [], scope: engine.folder });
    driver = driverWith(helpers);
    secret = (name) => readFileSync(join(engine.folder, 'exam/secrets', name), 'utf8').trim();
    token = secret('admin-token');
  }, 120_000);
  afterEach(async () => {
    for (const what of open.splice(0)) await driver.disturber.calm(what, signal);
    expect(helpers.find()).toEqual([]);
  });
  afterAll(async () => {
    await engine?.stop();
  }, 120_000);

  const driverWith = (itsHelpers: Helpers) =>
    openCompose({
      file: stack.file,
      project: stack.project,
      services: stackServices,
      examMode: [],
      env: engine.env,
      helpers: itsHelpers,
      jobKeys: [],
    });
  const docker = async (...args: string[]) =>
    (await execa('docker', args, { env: engine.env, extendEnv: false })).stdout;
  const containerOf = async (service: string) =>
    docker(
      ...['ps', '--quiet', '--filter', `label=com.docker.compose.project=${stack.project}`],
      ...['--filter', `label=com.docker.compose.service=${service}`],
    );
  const pidOf = async (service: Service) => {
    const { pid } = (await driver.instances()).find((instance) => instance.service === service) ?? {};
    if (pid === undefined) throw new Error(`${service} does not run`);
    return pid;
  };
  const addressIn = (role: Role) => addressOf(role, `${engine.network}.100`);

  const idOf = (disturbance: Disturbance): DisturbanceId => ({ id: `test ${disturbance.kind}`, disturbance });
  async function disturb(disturbance: Disturbance, lifeSeconds = 60): Promise<DisturbanceId> {
    const what = idOf(disturbance);
    open.push(what);
    await driver.disturber.disturb({ ...what, lifeSeconds }, signal);
    return what;
  }
  const calm = (what: DisturbanceId) => driver.disturber.calm(what, signal);
  const isDisturbed = (what: DisturbanceId) => driver.disturber.isDisturbed(what);

  async function differences(before: Snapshot): Promise<string[]> {
    const after = await driver.snapshot(signal);
    return Object.keys({ ...before, ...after }).filter((key) => before[key] !== after[key]);
  }

  interface Exchange {
    /** null: none came */
    readonly answer: string | null;
    readonly ms: number;
  }

  /** Says something on a new connection from the network of a service, and waits for the first byte of an answer. */
  async function exchange(from: Service, to: Role | string, patience = 5): Promise<Exchange> {
    const [host, port, says] =
      to === 'database'
        ? [addressIn('database'), ports.database, '\\0\\0\\0\\x08\\x04\\xd2\\x16\\x2f']
        : to === 'cache'
          ? [addressIn('cache'), ports.cache, 'PING\\r\\n']
          : [to, 7000, 'hello'];
    const script = `exec 3<>/dev/tcp/${host}/${port} && printf '${says}' >&3 && head -c 1 <&3`;
    const args = ['--target', String(await pidOf(from)), '--net', '--', 'timeout', String(patience)];
    const began = performance.now();
    const { stdout, failed } = await execa('nsenter', [...args, 'bash', '-c', script], { reject: false });
    return { answer: failed || stdout === '' ? null : stdout, ms: performance.now() - began };
  }

  /** Milliseconds, the shortest of a few: other tests share the cores, and make some of them wait. */
  async function quickest(from: Service, to: Role): Promise<number> {
    const all = [];
    for (let count = 0; count < 4; count += 1) all.push((await exchange(from, to)).ms);
    return Math.min(...all);
  }

  /** Of the platform, at its edge. */
  async function ask(path: string) {
    const began = performance.now();
    const response = await fetch(`http://${addressIn('edge')}:${ports.edge}/v1${path}`, {
      headers: { authorization: `Bearer ${token}`, connection: 'close' },
      signal: AbortSignal.timeout(10_000),
    });
    const body = (await response.json()) as {
      readonly checks?: { readonly redis: { readonly status: string } };
    };
    return { status: response.status, body, ms: performance.now() - began };
  }
  const cacheAsReadySays = async () => (await ask('/ready')).body.checks?.redis.status;

  const link = { from: 'backend', to: 'cache' } as const;

  describe('a cut', () => {
    const cut: Disturbance = { kind: 'network-cut', ...link };

    it('lets nothing pass between the two, and leaves others alone', async () => {
      const before = await driver.snapshot();
      expect(await exchange('backend', 'cache')).toMatchObject({ answer: '-' });
      expect(await cacheAsReadySays()).toBe('ok');

      const what = await disturb(cut);

      expect(await isDisturbed(what)).toBe(true);
      expect(await differences(before)).toEqual(['cache-1 network rules']);
      expect(await exchange('backend', 'cache', 1)).toMatchObject({ answer: null });
      expect(await exchange('edge', 'cache')).toMatchObject({ answer: '-' });
      expect(await exchange('backend', 'database')).toMatchObject({ answer: 'N' });
      await expect.poll(cacheAsReadySays).toBe('degraded');

      await calm(what);

      expect(await isDisturbed(what)).toBe(false);
      expect(await exchange('backend', 'cache')).toMatchObject({ answer: '-' });
      await expect.poll(cacheAsReadySays).toBe('ok');
      expect(await differences(before)).toEqual([]);
    });

    it('made twice is one, and undone by two at once it is undone', async () => {
      const before = await driver.snapshot();
      await calm(idOf(cut));
      const what = await disturb(cut);
      const once = await driver.snapshot();
      await disturb(cut);
      expect(await differences(once)).toEqual([]);

      await Promise.all(Array.from({ length: 4 }, () => calm(what)));
      await calm(what);

      expect(await differences(before)).toEqual([]);
    });
  });

  describe('between two of which one has its address translated', () => {
    it.each<Disturbance>([
      { kind: 'network-cut', ...link },
      { kind: 'network-loss', ...link, share: 0.5 },
      { kind: 'network-delay', ...link, milliseconds: 200 },
    ])('$kind is not said to be there: it would hold nothing back', async (disturbance) => {
      const pid = await pidOf('backend');
      const inside = (...args: string[]) =>
        execFileSync('nsenter', ['--target', String(pid), '--net', '--', ...args]);
      const other = addressIn('backend').replace(/\d+$/, '250');
      const translate = ['POSTROUTING', '--jump', 'SNAT', '--to-source', other];
      const before = await driver.snapshot();
      inside('ip', 'address', 'add', `${other}/24`, 'dev', 'eth0');
      inside('iptables', '--table', 'nat', '--append', ...translate);
      try {
        expect(await exchange('backend', 'cache')).toMatchObject({ answer: '-' });
        await expect(disturb(disturbance)).rejects.toThrow(
          `packet rules at cache-1 meet nothing that comes from ${addressIn('backend')} (backend-1)`,
        );
      } finally {
        await calm(idOf(disturbance));
        inside('iptables', '--table', 'nat', '--delete', ...translate);
        inside('ip', 'address', 'delete', `${other}/24`, 'dev', 'eth0');
      }
      expect(await differences(before)).toEqual([]);
    });
  });

  it('a loss makes that most of what is sent has to be sent again', async () => {
    const before = await driver.snapshot();
    // one try in 3,000 gets through at once; with 0.9 it would be one in 37
    const what = await disturb({ kind: 'network-loss', ...link, share: 0.99 });
    const tries = await Promise.all(Array.from({ length: 3 }, () => exchange('backend', 'cache', 2)));
    for (const { answer, ms } of tries) expect(answer === null || ms > 900).toBe(true);
    expect(await differences(before)).toEqual(['cache-1 network rules']);

    await calm(what);

    const [first] = await Promise.all(Array.from({ length: 3 }, () => exchange('backend', 'cache')));
    expect(first).toMatchObject({ answer: '-' });
    expect(await differences(before)).toEqual([]);
  });

  describe('a delay', () => {
    const delay: Disturbance = { kind: 'network-delay', from: 'backend', to: 'database', milliseconds: 200 };
    const relayPid = () => {
      const [pid, ...others] = helpers.find();
      expect(others).toEqual([]);
      if (pid === undefined) throw new Error('there is no relay');
      return pid;
    };
    /** Of the connections that the database has now: as it sees their other end. */
    const clients = async () => {
      const url = `postgres://exam_user:${secret('database-password')}@${addressIn('database')}:${ports.database}/exam_platform`;
      const text =
        "SELECT pid, host(client_addr) AS host FROM pg_stat_activity WHERE backend_type = 'client backend'";
      return openPostgres(url)(
        async (postgres) => (await postgres.query<{ pid: number; host: string }>(text)).rows,
      );
    };

    it('makes each exchange take longer, on new connections, while the platform goes on', async () => {
      const before = await driver.snapshot();
      await ask('/auth/me');
      const quick = await quickest('backend', 'database');
      const old = (await clients()).filter(({ host }) => host === addressIn('backend'));
      expect(old.length).toBeGreaterThan(0);

      const what = await disturb(delay);

      expect(await isDisturbed(what)).toBe(true);
      expect(await differences(before)).toEqual(['database-1 network rules']);
      const slow = await exchange('backend', 'database');
      expect(slow.answer).toBe('N');
      expect(slow.ms - quick).toBeGreaterThan(150);
      expect(slow.ms).toBeGreaterThan(200);
      await expect.poll(() => quickest('worker', 'database'), { timeout: 120_000 }).toBeLessThan(200);
      const asked = [];
      for (let count = 0; count < 4; count += 1) asked.push(await ask('/auth/me'));
      expect(asked.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      for (const { ms } of asked) expect(ms).toBeGreaterThan(200);
      const now = await clients();
      expect(now.filter(({ pid }) => old.some((gone) => gone.pid === pid))).toEqual([]);
      expect(now.filter(({ host }) => host === addressIn('backend'))).toEqual([]);
      expect(now.filter(({ host }) => host === '127.0.0.1').length).toBeGreaterThan(0);

      await calm(what);

      expect(await differences(before)).toEqual([]);
      expect((await ask('/auth/me')).status).toBe(200);
      await expect.poll(() => quickest('backend', 'database'), { timeout: 120_000 }).toBeLessThan(200);
    });

    it('whose relay has died is still there, and can be undone', async () => {
      const before = await driver.snapshot();
      const what = await disturb(delay);
      process.kill(relayPid(), 'SIGKILL');
      await expect.poll(() => helpers.find()).toEqual([]);

      expect(await isDisturbed(what)).toBe(true);
      expect(await exchange('backend', 'database')).toMatchObject({ answer: null });
      await calm(what);

      expect(await isDisturbed(what)).toBe(false);
      expect(await exchange('backend', 'database')).toMatchObject({ answer: 'N' });
      expect(await differences(before)).toEqual([]);
    });

    it('whose time is over has no relay any more, and is made whole by doing it again', async () => {
      const what = await disturb(delay, 2);
      await expect.poll(() => helpers.find()).toEqual([]);
      expect(await isDisturbed(what)).toBe(true);

      await disturb(delay);

      expect(await exchange('backend', 'database')).toMatchObject({ answer: 'N' });
    });
  });

  it('a restart of the container ends all that was done to its network, and it can be done anew', async () => {
    const before = await driver.snapshot();
    const cut = await disturb({ kind: 'network-cut', from: 'edge', to: 'cache' });
    const slow: Disturbance = { kind: 'network-delay', ...link, milliseconds: 200 };
    const delay = await disturb(slow);
    const relays = helpers.find();
    expect(relays).toHaveLength(1);

    await docker('restart', '--time', '1', await containerOf(stackServices.cache));

    expect(await isDisturbed(cut)).toBe(false);
    await expect.poll(() => isDisturbed(delay)).toBe(false);
    expect(helpers.find()).toEqual([]);
    await calm(cut);
    await disturb(slow);
    expect(helpers.find()).not.toEqual(relays);
    const late = await exchange('backend', 'cache');
    expect(late).toMatchObject({ answer: '-' });
    expect(late.ms).toBeGreaterThan(200);
    await calm(delay);
    await driver.start('cache', signal);
    expect(await differences(before)).toEqual([]);
  });

  describe('a load', () => {
    const groupOf = (pid: number, controller: string) =>
      (readProcFile(`/proc/${pid}/cgroup`) ?? '')
        .split('\n')
        .map((line) => line.split(':'))
        .find(([, names = '']) => names === '' || names.split(',').includes(controller))?.[2];
    const residentMebibytes = (pid: number) =>
      Number(/^VmRSS:\s+(\d+) kB/m.exec(readProcFile(`/proc/${pid}/status`) ?? '')?.[1]) / 1_024;

    it('of the processor is in the control group of the container', async () => {
      const before = await driver.snapshot();
      const what = await disturb({ kind: 'cpu', service: 'cache', cores: 1 });
      await disturb({ kind: 'cpu', service: 'cache', cores: 1 });
      const [pid = 0, ...others] = helpers.find();
      expect(others).toEqual([]);
      expect(await isDisturbed(what)).toBe(true);
      expect(groupOf(pid, 'cpu')).toBe(groupOf(await pidOf('cache'), 'cpu'));
      expect(groupOf(pid, 'cpu')).not.toBe(groupOf(process.pid, 'cpu'));
      const ticks = processStat(pid)?.ticks ?? 0;
      await expect.poll(() => (processStat(pid)?.ticks ?? 0) - ticks).toBeGreaterThan(15);

      await calm(what);
      await calm(what);

      expect(helpers.find()).toEqual([]);
      expect(await isDisturbed(what)).toBe(false);
      expect(await differences(before)).toEqual([]);
    });

    it('of the memory is a share of what the container may use, and counts as its own', async () => {
      const what = await disturb({ kind: 'memory', service: 'cache', share: 0.3 });
      const [pid = 0] = helpers.find();
      expect(groupOf(pid, 'memory')).toBe(groupOf(await pidOf('cache'), 'memory'));
      expect(residentMebibytes(pid)).toBeGreaterThan(0.3 * 512);
      const [stats] = (await driver.stats()).filter(({ service }) => service === 'cache');
      expect(stats?.memoryBytes).toBeGreaterThan(0.3 * 512 * 1_048_576);

      await calm(what);
      await calm(what);

      expect(await isDisturbed(what)).toBe(false);
    });

    it('of the memory is refused where the container has no limit', async () => {
      const memory: Disturbance = { kind: 'memory', service: 'backend', share: 0.3 };
      expect(await driver.disturber.possibility(memory)).toEqual({
        possible: false,
        why: expect.stringContaining('backend has no memory limit'),
      });
      await expect(disturb(memory)).rejects.toThrow('backend has no memory limit');
      expect(helpers.find()).toEqual([]);
    });

    it('ends by itself when its time is over', async () => {
      const what = await disturb({ kind: 'cpu', service: 'cache', cores: 1 }, 2);
      expect(await isDisturbed(what)).toBe(true);
      await expect.poll(() => isDisturbed(what)).toBe(false);
    });
  });

  describe('a full disk', () => {
    const disk: Disturbance = { kind: 'disk', service: 'backend', path: '/scratch' };
    const file = '/scratch/.examctl-test disk';
    const inBackend = async (script: string) => {
      const args = ['exec', await containerOf(stackServices.backend), 'bash', '-c', script];
      const { failed, stderr } = await execa('docker', args, {
        env: engine.env,
        extendEnv: false,
        reject: false,
      });
      return failed ? stderr : 'done';
    };
    const write = () => inBackend('head -c 100000 /dev/zero > /scratch/file');

    it('is one for those who write in the container, and is empty again afterwards', async () => {
      const before = await driver.snapshot();
      expect(await write()).toBe('done');
      await inBackend('rm /scratch/file');

      const what = await disturb(disk);
      expect(await isDisturbed(what)).toBe(true);
      expect(await write()).toContain('No space left on device');
      await inBackend('rm /scratch/file');
      await disturb(disk);
      await calm(what);
      await calm(what);

      expect(await isDisturbed(what)).toBe(false);
      expect(await inBackend('test -z "$(ls -A /scratch)"')).toBe('done');
      expect(await write()).toBe('done');
      await inBackend('rm /scratch/file');
      expect(await differences(before)).toEqual([]);
    });

    it('takes the only one when no path is named', async () => {
      const what = await disturb({ ...disk, path: '' });
      expect(await driver.disturber.possibility({ ...disk, path: '' })).toEqual({
        possible: true,
        how: 'a file that fills /scratch of backend',
      });
      expect(await isDisturbed(what)).toBe(true);
    });

    it('is none that a link in the container makes of another file', async () => {
      const elsewhere = join(engine.folder, 'elsewhere');
      expect(await inBackend(`ln -s '${elsewhere}' '${file}'`)).toBe('done');

      await expect(disturb(disk)).rejects.toThrow(Undetermined);

      expect(existsSync(elsewhere)).toBe(false);
      expect(await isDisturbed(idOf(disk))).toBe(true);
      await calm(idOf(disk));
      expect(await inBackend(`test ! -L '${file}'`)).toBe('done');
    });

    it.each(['/tmp', '/dev/shm', '/no/such'])(
      'is refused at %s, which is no tmpfs of its own',
      async (path) => {
        const message = `there is no tmpfs at ${path} that may be filled: it has /scratch`;
        expect(await driver.disturber.possibility({ ...disk, path })).toEqual({
          possible: false,
          why: message,
        });
        await expect(disturb({ ...disk, path })).rejects.toThrow(message);
      },
    );
  });

  it('a pause freezes all of a container, and a start lets it go on', async () => {
    const before = await driver.snapshot();
    expect(await driver.disturber.possibility({ kind: 'pause', service: 'cache' })).toMatchObject({
      possible: true,
    });
    await driver.pause('cache', signal);
    await driver.pause('cache', signal);
    expect(await differences(before)).toContain('cache-1 state');
    expect(await exchange('backend', 'cache', 1)).toMatchObject({ answer: null });

    await driver.start('cache', signal);
    await driver.start('cache', signal);

    expect(await exchange('backend', 'cache')).toMatchObject({ answer: '-' });
    expect(await differences(before)).toEqual([]);
  });

  it('a worker that is killed is another one afterwards', async () => {
    const before = await driver.snapshot();
    const workers = await driver.workers('backend');
    expect(workers).toHaveLength(2);
    await driver.killWorker('backend', signal);
    await expect.poll(async () => (await driver.workers('backend')).length).toBe(2);
    expect((await driver.workers('backend')).filter((pid) => workers.includes(pid))).toHaveLength(1);
    await expect.poll(() => differences(before)).toEqual([]);
  });

  describe('another container', () => {
    const name = 'another';
    const node = dirname(dirname(process.execPath));
    const echo =
      "require('node:net').createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(7000, '0.0.0.0')";

    /** It plays the part of the frontend, which the stack has not. */
    async function start(
      options: readonly string[],
      command = [process.execPath, '-e', echo],
      image = hostImage,
    ) {
      const labels = { project: stack.project, service: 'frontend', 'container-number': '1' };
      const own = Object.entries(labels).flatMap(([key, value]) => [
        '--label',
        `com.docker.compose.${key}=${value}`,
      ]);
      const network = options.some((option) => option.startsWith('--network'))
        ? []
        : ['--network', `${stack.project}_default`, '--dns', '127.0.0.1'];
      const binds = image === hostImage ? ['--volume', '/usr:/usr:ro', '--volume', `${node}:${node}:ro`] : [];
      const unique = binds.filter((_, index) => node !== '/usr' || index < 2);
      await docker(
        ...['run', '--detach', '--pull', 'never', '--name', name],
        ...[...own, ...network, ...unique, ...options, image, ...command],
      );
    }
    const addressOfIt = () =>
      docker('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name);
    const remove = () =>
      execa('docker', ['rm', '--force', name], { env: engine.env, extendEnv: false, reject: false });
    const untilItAnswers = async () => {
      const address = await addressOfIt();
      await expect.poll(async () => (await exchange('backend', address, 1)).answer).toBe('h');
      return address;
    };
    const toIt = { from: 'backend', to: 'frontend' } as const;
    const linkKinds: readonly Disturbance[] = [
      { kind: 'network-cut', ...toIt },
      { kind: 'network-loss', ...toIt, share: 0.5 },
      { kind: 'network-delay', ...toIt, milliseconds: 200 },
    ];
    afterEach(async () => {
      for (const what of open.splice(0)) await calm(what);
      await remove();
    });

    it('of an image without any tool is cut off, paused and killed from outside', async () => {
      await importEmptyImage();
      await start(['--restart', 'always'], ['/sleep', '1000'], 'examctl-test/empty:1');
      const before = await driver.snapshot();
      const ping = async () => {
        const args = [
          '--target',
          String(await pidOf('backend')),
          '--net',
          '--',
          'timeout',
          '1',
          'bash',
          '-c',
        ];
        const { stderr } = await execa('nsenter', [...args, `: </dev/tcp/${await addressOfIt()}/1`], {
          reject: false,
        });
        return stderr.includes('refused');
      };
      expect(await ping()).toBe(true);

      const what = await disturb({ kind: 'network-cut', ...toIt });
      expect(await ping()).toBe(false);
      await calm(what);
      expect(await ping()).toBe(true);

      await driver.pause('frontend', signal);
      expect(await differences(before)).toEqual(['frontend-1 state']);
      await driver.start('frontend', signal);
      expect(await differences(before)).toEqual([]);

      const pid = await pidOf('frontend');
      await driver.killWorker('frontend', signal);
      expect(processStat(pid)).toBeUndefined();
      await expect.poll(() => differences(before)).toEqual([]);
      expect(await pidOf('frontend')).not.toBe(pid);
      expect(
        await driver.disturber.possibility({ kind: 'network-delay', ...toIt, milliseconds: 1 }),
      ).toMatchObject({ possible: false, why: 'frontend listens at no port that other services reach' });
    });

    it('that has the network of the machine is never given packet rules', async () => {
      const rules = () => execFileSync('iptables-save', { encoding: 'utf8' }).includes('EXAMCTL');
      await start(['--network=host', '--pid=host'], ['sleep', '1000']);
      for (const disturbance of linkKinds) {
        expect(await driver.disturber.possibility(disturbance)).toEqual({
          possible: false,
          why: expect.stringContaining('frontend-1 has no network of its own (network_mode: host?)'),
        });
        await expect(disturb(disturbance)).rejects.toThrow('has no network of its own');
        expect(await isDisturbed(idOf(disturbance))).toBe(false);
        await calm(idOf(disturbance));
      }
      expect(rules()).toBe(false);
      expect(Object.keys(await driver.snapshot())).not.toContain('frontend-1 network rules');
      const back: Disturbance = { kind: 'network-cut', from: 'frontend', to: 'cache' };
      expect(await driver.disturber.possibility(back)).toMatchObject({ possible: false });
    });

    it('that sees the processes of the machine is disturbed like others', async () => {
      await start(['--pid=host']);
      const address = await untilItAnswers();
      const what = await disturb({ kind: 'network-cut', ...toIt });
      expect(await exchange('backend', address, 1)).toMatchObject({ answer: null });
      await calm(what);
      expect(await exchange('backend', address)).toMatchObject({ answer: 'h' });
      const load = await disturb({ kind: 'cpu', service: 'frontend', cores: 1 });
      expect(await isDisturbed(load)).toBe(true);
    });

    it('in the network of a service is named, as it is hit with it', async () => {
      await start([`--network=container:${await containerOf(stackServices.cache)}`], ['sleep', '1000']);
      const cut: Disturbance = { kind: 'network-cut', ...link };
      expect(await driver.disturber.possibility(cut)).toEqual({
        possible: true,
        how: 'packet rules in the network of cache; it also hits frontend-1, in the same network',
      });
      expect(await driver.disturber.possibility({ ...cut, to: 'frontend' })).toEqual({
        possible: false,
        why: 'backend and frontend share no network on which backend has an address',
      });
    });

    it('that is also reached by IPv6 is not said to be cut off', async () => {
      const id = await containerOf(stackServices.backend);
      await docker('network', 'create', '--ipv6', '--subnet', 'fd00:e8a::/64', 'six');
      try {
        await docker('network', 'connect', 'six', id);
        await start(['--network=six', '--dns', '127.0.0.1'], ['sleep', '1000']);
        expect(await driver.disturber.possibility({ kind: 'network-cut', ...toIt })).toEqual({
          possible: false,
          why: 'backend and frontend also reach each other by IPv6, which packet rules leave alone',
        });
        expect(await driver.disturber.possibility({ kind: 'network-cut', ...link })).toMatchObject({
          possible: true,
        });
      } finally {
        await docker('network', 'disconnect', '--force', 'six', id);
        await docker('network', 'disconnect', '--force', 'six', name);
        await docker('network', 'rm', 'six');
      }
    });

    it("whose tmpfs is large, or the machine's, keeps its space", async () => {
      const ofMachine = join(engine.folder, 'bound');
      mkdirSync(ofMachine);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'examctl-test', ofMachine]);
      try {
        await start(
          ['--tmpfs', '/big:size=2g', '--tmpfs', '/with blank:size=1m', '--volume', `${ofMachine}:/bound`],
          ['sleep', '1000'],
        );
        const disk: Disturbance = { kind: 'disk', service: 'frontend', path: '' };
        for (const path of ['/big', '/bound'])
          expect(await driver.disturber.possibility({ ...disk, path })).toEqual({
            possible: false,
            why: `there is no tmpfs at ${path} that may be filled: it has /with blank`,
          });
        const what = await disturb(disk);
        expect(await isDisturbed(what)).toBe(true);
        writeFileSync(join(ofMachine, 'file'), Buffer.alloc(1_048_576));
        await calm(what);
        expect(await isDisturbed(what)).toBe(false);
      } finally {
        execFileSync('umount', [ofMachine]);
      }
    });

    it('that vanishes leaves no process of examctl behind, and is told to be gone', async () => {
      await start([]);
      await untilItAnswers();
      const delay: Disturbance = { kind: 'network-delay', ...toIt, milliseconds: 200 };
      await disturb(delay, 600);
      await disturb({ kind: 'cpu', service: 'frontend', cores: 1 }, 600);
      expect(helpers.find()).toHaveLength(2);
      open.length = 0;

      await remove();

      await expect.poll(() => helpers.find()).toEqual([]);
      await expect(calm(idOf(delay))).rejects.toThrow('there is no container of frontend');
      await expect(isDisturbed(idOf(delay))).rejects.toThrow(Undetermined);
      expect(await driver.disturber.possibility(delay)).toEqual({
        possible: false,
        why: 'there is no container of frontend',
      });
    });

    it.each(['before', 'after'])(
      'that vanishes %s its helper is started is told to have done so',
      async (moment) => {
        await start([]);
        await untilItAnswers();
        const { disturber } = driverWith({
          ...helpers,
          async start(...args) {
            if (moment === 'before') await remove();
            const started = await helpers.start(...args);
            if (moment === 'after') await remove();
            return started;
          },
        });
        const delay = idOf({ kind: 'network-delay', ...toIt, milliseconds: 200 });
        await expect(disturber.disturb({ ...delay, lifeSeconds: 600 }, signal)).rejects.toThrow(
          'frontend-1 ended, or was taken away',
        );
        await expect.poll(() => helpers.find()).toEqual([]);
      },
    );

    /** One program, linked to two files: not even a shell. */
    async function importEmptyImage(): Promise<void> {
      const script = `r=$(mktemp -d) && cp "$(command -v sleep)" "$r/sleep" &&
for f in $(ldd "$r/sleep" | grep -o '/[^ ]*'); do mkdir -p "$r$(dirname "$f")" && cp -L "$f" "$r$f"; done &&
tar -C "$r" -c . | docker import - examctl-test/empty:1; s=$?; rm -rf "$r"; exit $s`;
      await execa('bash', ['-o', 'pipefail', '-c', script], { env: engine.env, extendEnv: false });
    }
  });

  it('takes root of whoever wants more than to ask the engine', async ({ skip }) => {
    const account = serverAccount();
    if (account === undefined) return skip('there is no ordinary account');
    const abilities: Ability[] = [
      { kind: 'network-cut', ...link },
      { kind: 'network-delay', ...link, milliseconds: 10 },
      { kind: 'cpu', service: 'cache', cores: 1 },
      { kind: 'memory', service: 'cache', share: 0.1 },
      { kind: 'disk', service: 'backend', path: '' },
      { kind: 'pause', service: 'cache' },
      { kind: 'worker-kill', service: 'backend' },
      { kind: 'vendor', answer: '500' },
    ];
    const answersOf = async (): Promise<Possibility[]> => {
      const user = ['--reuid', String(account.uid), '--regid', String(account.gid), '--clear-groups'];
      const script = new URL('../support/compose-possibility.ts', import.meta.url).pathname;
      const node = [process.execPath, '--import', import.meta.resolve('tsx'), script];
      const args = [...user, ...node, stack.file, stack.project, JSON.stringify(abilities)];
      return JSON.parse(
        (await execa('setpriv', args, { env: engine.env, extendEnv: false, cwd: '/' })).stdout,
      );
    };
    const socket = join(engine.folder, 'd.sock');
    execFileSync('chmod', ['711', engine.folder]);
    execFileSync('chmod', ['666', socket]);
    const answers = await answersOf();
    execFileSync('chmod', ['660', socket]);
    const takesRoot = { possible: false, why: 'it takes root on the machine of the engine (sudo)' };
    expect(answers.slice(0, 5)).toEqual(Array(5).fill(takesRoot));
    expect(answers.slice(5).map(({ possible }) => possible)).toEqual([true, true, false]);

    for (const { possible, why } of (await answersOf()).slice(0, 7) as { possible: boolean; why: string }[]) {
      expect(possible).toBe(false);
      expect(why).toContain('this account may not use its socket');
    }
  });
});
