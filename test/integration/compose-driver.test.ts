import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { composeCli } from '../../src/adapters/docker/compose-cli.ts';
import { containerStats } from '../../src/adapters/docker/container-stats.ts';
import { type Containers, containersOf } from '../../src/adapters/docker/containers.ts';
import { dockerEngine } from '../../src/adapters/docker/engine.ts';
import { imagesOf } from '../../src/adapters/docker/images.ts';
import { helperProcesses } from '../../src/adapters/helper-processes.ts';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { backupOf } from '../../src/adapters/replace-file.ts';
import { composeDriver } from '../../src/drivers/compose/driver.ts';
import type { Driver, ImageSetting, ServiceInstance } from '../../src/lifecycle/environment.ts';
import { type ComposeStack, startStack } from '../support/compose-stack.ts';
import { composePrograms, startEngine, type TestEngine, whyNoEngine } from '../support/docker-engine.ts';

describe.each(composePrograms)('an environment that $name runs', ({ name, command, missing, install }) => {
  const why = whyNoEngine() ?? missing;
  if (why !== null) {
    process.stderr.write(`skipped: an environment that ${name} runs: ${why}\n`);
    return it('is tried', ({ skip }) => skip(why));
  }

  let engine: TestEngine;
  let stack: ComposeStack;
  let driver: Driver;
  let stats: ReturnType<typeof containerStats>;
  const signal = () => AbortSignal.timeout(60_000);
  beforeAll(async () => {
    engine = await startEngine();
    install(engine);
    stack = await startStack(engine, { project: 'exam', command });
    driver = driverOf(engine.env);
    await driver.start('backend', signal());
  }, 90_000);
  afterAll(async () => {
    stats?.stop();
    await engine?.stop();
  }, 120_000);

  const driverOf = (
    env: NodeJS.ProcessEnv,
    { project = stack.project, containers = containersOf(dockerEngine(() => env)) } = {},
  ) => {
    stats = containerStats(dockerEngine(() => env));
    return composeDriver({
      containers,
      stats,
      cli: composeCli({ project, env: () => env }),
      images: imagesOf(dockerEngine(() => env)),
      file: stack.file,
      env,
      project: async () => project,
      services: {},
      envFileOf: (_, variable) => (variable === 'EXAM_MODE' ? stack.envFile : undefined),
      envFiles: [stack.envFile],
      helpers: helperProcesses({ program: [], flags: [], scope: 'test' }),
    });
  };
  const docker = (...args: string[]) => execa('docker', args, { env: engine.env, extendEnv: false });
  const nameOf = async (service: string) =>
    (await docker('ps', '--filter', `label=com.docker.compose.service=${service}`, '--format', '{{.Names}}'))
      .stdout;
  const allNamesOf = async (service: string) => {
    const filter = `label=com.docker.compose.service=${service}`;
    return (await docker('ps', '--all', '--filter', filter, '--format', '{{.Names}}')).stdout.split('\n');
  };
  const instance = async (id: string): Promise<ServiceInstance> => {
    const found = (await driver.instances()).find((candidate) => candidate.id === id);
    if (found === undefined) throw new Error(`no instance ${id}`);
    return found;
  };

  it('is found by its command', async () => {
    const cli = composeCli({ project: undefined, env: () => engine.env });

    expect((await cli.version()).command).toEqual(command);
  });

  it('shows the containers of known roles, with their health, and leaves others out', async () => {
    const instances = await driver.instances();

    expect(instances.map(({ id, service, state }) => [id, service, state])).toEqual([
      ['backend-1', 'backend', 'running'],
      ['cache-1', 'cache', 'running'],
    ]);
    expect(instances[0]?.since?.getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(instances[1]?.detail).toBe('it has no health check');
    const answer = await fetch(`${instances[0]?.address}/health`);
    expect(await answer.text()).toBe('false');
  });

  it('stops and starts a service, each also when it is so already, and waits until it is healthy', async () => {
    await driver.stop('backend', signal());
    await driver.stop('backend', signal());
    expect(await instance('backend-1')).toMatchObject({
      state: 'stopped',
      detail: expect.stringContaining('ended with'),
    });

    await driver.start('backend', signal());
    await driver.start('backend', signal());

    expect((await instance('backend-1')).state).toBe('running');
  });

  it('starts a service that is still ending, when who asked for that has gone', async () => {
    await driver.start('backend', signal());
    const before = await instance('backend-1');
    const container = await nameOf('backend');
    // it ends when it goes on, or is killed
    await docker('kill', '--signal', 'STOP', container);
    await expect(driver.stop('backend', AbortSignal.timeout(300))).rejects.toThrow();
    const starting = driver.start('backend', signal());
    await docker('kill', '--signal', 'CONT', container);
    await starting;
    await setTimeout(1_000);
    const after = await instance('backend-1');
    expect(after.state).toBe('running');
    expect(after.since).not.toEqual(before.since);
  });

  it('asks one instance to end and has it back, as another process', async () => {
    const before = await instance('backend-1');

    await driver.restartInstance('backend-1', signal());

    const after = await instance('backend-1');
    expect(after.state).toBe('running');
    expect(after.pid).not.toBe(before.pid);
    expect(after.restarts).toBe(0);
    await expect(driver.restartInstance('backend-7', signal())).rejects.toMatchObject({
      message: 'the compose project exam has no instance "backend-7"',
      hint: 'it has: backend-1, cache-1',
    });
  });

  it('pauses a service, which then is not well, and start lets it go on as it was', async () => {
    const before = await instance('cache-1');

    await driver.pause('cache', signal());
    await driver.pause('cache', signal());
    expect(await instance('cache-1')).toMatchObject({ state: 'unhealthy', detail: 'paused' });

    await driver.start('cache', signal());
    expect(await instance('cache-1')).toEqual(before);
  });

  it('knows the workers of a service from health checks and from what is executed in it', async () => {
    await docker('exec', '--detach', await nameOf('backend'), 'sleep', '5');

    const workers = await driver.workers('backend');

    expect(workers).toHaveLength(2);
    for (const pid of workers) expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('/backend.cjs');
    expect(await driver.workers('cache')).toEqual([(await instance('cache-1')).pid]);
  });

  it('ends one worker, which is replaced; the first process when there is no other', async () => {
    const before = await driver.workers('backend');

    await driver.killWorker('backend', signal());
    await expect.poll(() => driver.workers('backend'), { timeout: 5_000 }).toHaveLength(2);
    expect((await driver.workers('backend')).filter((pid) => before.includes(pid))).toHaveLength(1);
    expect((await instance('backend-1')).restarts).toBe(0);

    await driver.killWorker('cache', signal());
    await expect
      .poll(() => instance('cache-1'), { timeout: 10_000 })
      .toMatchObject({
        state: 'running',
        restarts: 1,
      });
  });

  it('ends a worker from inside where this account may not, and needs the socket for it', async () => {
    const before = await driver.workers('backend');
    const socket = (engine.env.DOCKER_HOST ?? '').replace('unix://', '');
    const asNobody = async (action: () => Promise<unknown>) => {
      process.seteuid?.(65_534);
      try {
        await action();
      } finally {
        process.seteuid?.(0);
      }
    };

    await asNobody(() =>
      expect(driver.killWorker('backend', signal())).rejects.toMatchObject({
        message: `the Docker engine at ${engine.env.DOCKER_HOST} does not answer: this account may not use its socket`,
        hint: expect.stringContaining('usermod -aG docker'),
      }),
    );
    expect(await driver.workers('backend')).toEqual(before);

    chmodSync(socket, 0o666);
    await asNobody(() => driver.killWorker('backend', signal()));
    chmodSync(socket, 0o660);

    await expect.poll(() => driver.workers('backend'), { timeout: 5_000 }).toHaveLength(2);
    expect((await driver.workers('backend')).filter((pid) => before.includes(pid))).toHaveLength(1);
  });

  it('runs a program in a container, with what it reads, writes and how it ends', async () => {
    const containers = containersOf(dockerEngine(() => engine.env));
    const id = await nameOf('redis');

    const big = 'x'.repeat(300_000);
    const how = { stdin: big, signal: signal() };
    expect(await containers.exec(id, ['sh', '-c', 'wc -c; echo "no ä" >&2; exit 7'], how)).toEqual({
      exitCode: 7,
      stdout: '300000\n',
      stderr: 'no ä\n',
    });
    expect(await containers.exec(id, ['cat'])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    await expect(containers.exec(id, ['no-such-program'])).rejects.toThrow(
      'no-such-program cannot be run in the container',
    );
    await expect(containers.exec(id, ['sleep', '5'], { signal: AbortSignal.timeout(200) })).rejects.toThrow(
      'timeout',
    );
  });

  it('names the container that vanishes in the middle, and what to look at', async () => {
    const containers = containersOf(dockerEngine(() => engine.env));
    const vanishing: Containers = {
      ...containers,
      async inspect(id, how) {
        const details = await containers.inspect(id, how);
        if (details.Config.Labels?.['com.docker.compose.service'] === 'redis') await docker('rm', '-f', id);
        return details;
      },
    };
    const name = await nameOf('redis');

    for (const order of ['stop', 'start', 'pause'] as const) {
      await expect(
        driverOf(engine.env, { containers: vanishing })[order]('cache', signal()),
      ).rejects.toMatchObject({
        exitCode: 3,
        message: `cache-1 has vanished: the engine had its container ${name} a moment ago`,
        hint: expect.stringContaining(`docker ps --all --filter name=${name}`),
      });
      await stack.compose('up', '--detach', 'redis');
    }
  });

  it('sets a variable in the env file, makes the container anew, and gives the file back byte for byte', async () => {
    const before = readFileSync(stack.envFile, 'utf8');

    await driver.setVariable('backend', 'EXAM_MODE', 'true', signal());
    expect(readFileSync(backupOf(stack.envFile), 'utf8')).toBe(before);
    expect(driver.writtenVariable?.('backend', 'EXAM_MODE')).toEqual({ file: stack.envFile, text: 'true' });
    expect(await driver.variable('backend', 'EXAM_MODE')).toBe('true');
    expect(await (await fetch(`${(await instance('backend-1')).address}`)).text()).toBe('true');

    await driver.setVariable('backend', 'EXAM_MODE', 'false', signal());
    expect(await driver.variable('backend', 'EXAM_MODE')).toBe('false');
    expect(await driver.variable('backend', 'NO_SUCH')).toBeUndefined();
    expect(readFileSync(stack.envFile, 'utf8')).toBe(before);
    expect(existsSync(backupOf(stack.envFile))).toBe(false);
  });

  it('is made anew of all the files that it was made of, and by what it is called where its container is gone', async () => {
    const other = join(dirname(stack.file), 'other.yml');
    writeFileSync(other, "version: '3.8'\nservices: { backend: { environment: { MORE: one } } }\n");
    await stack.compose('--file', other, 'up', '--detach', 'backend');

    await driver.setVariable('backend', 'EXAM_MODE', 'true', signal());
    expect(await driver.variable('backend', 'MORE')).toBe('one');

    await docker('rm', '-f', await nameOf('backend'));
    await driver.setVariable('backend', 'EXAM_MODE', 'false', signal());
    expect(await driver.variable('backend', 'EXAM_MODE')).toBe('false');
  });

  it('makes a container anew when who asked for another one was killed in the middle', async () => {
    const before = readFileSync(stack.envFile, 'utf8');
    const name = await nameOf('backend');
    for (const after of [200, 500, 900, 1_400]) {
      const asker = spawn(
        process.execPath,
        ['--import', 'tsx', 'test/support/set-variable.ts', stack.file, stack.project, 'EXAM_MODE', 'true'],
        { cwd: packageRoot(), env: engine.env, stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await once(asker.stdout, 'data');
      await setTimeout(after);
      asker.kill('SIGKILL');

      await driver.setVariable('backend', 'EXAM_MODE', 'false', signal());

      await setTimeout(500);
      expect(await driver.variable('backend', 'EXAM_MODE'), `${after} ms`).toBe('false');
      expect((await instance('backend-1')).state).toBe('running');
      expect(await allNamesOf('backend'), `${after} ms`).toEqual([name]);
      expect(readFileSync(stack.envFile, 'utf8')).toBe(before);
    }
  }, 90_000);

  it('has another revision when one of its files is changed, and the same when it is changed back', async () => {
    const before = await driver.revision?.();
    const text = readFileSync(stack.file, 'utf8');

    writeFileSync(stack.file, `${text}# changed\n`);
    expect(await driver.revision?.()).not.toBe(before);
    writeFileSync(stack.file, text);
    expect(await driver.revision?.()).toBe(before);
  });

  it('deploys another tag where it is written: in the env file, or in the compose file', async () => {
    await docker('tag', 'examctl-test/host:1', 'examctl-test/host:0');
    for (const [service, file] of [
      ['backend', stack.envFile],
      ['cache', stack.file],
    ] as const) {
      const before = readFileSync(file, 'utf8');
      const now = await driver.images?.look(service);
      expect(now).toMatchObject({ reference: 'examctl-test/host:1', repository: 'examctl-test/host' });
      expect(now?.others.map(({ tag }) => tag).sort()).toEqual(['0', '1']);

      await driver.images?.deploy(service, now?.settingFor('0') as ImageSetting, signal());
      expect((await driver.images?.look(service))?.reference).toBe('examctl-test/host:0');
      expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(before.split('\n').length);

      await driver.images?.deploy(service, now?.setting as ImageSetting, signal());
      expect((await driver.images?.look(service))?.reference).toBe('examctl-test/host:1');
      expect(readFileSync(file, 'utf8')).toBe(before);
    }
  });

  it('says why another tag cannot be deployed', async () => {
    await expect(driverOf({ ...engine.env, TAG: '1' }).images?.look('backend')).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining('is decided by TAG of this shell'),
      hint: 'unset TAG',
    });
    expect(await driver.images?.idOf('examctl-test/host:none')).toBeUndefined();
  });

  it('sets no variable of which it does not know the file', async () => {
    await expect(driver.setVariable('backend', 'OTHER', '1', signal())).rejects.toThrow(
      'which file sets OTHER of backend is not configured',
    );
  });

  it('gives the lines of a service, whole, whatever their length, since a time and as they come', async () => {
    const texts: string[] = [];
    for await (const { instance: id, text } of driver.logs('backend', {})) texts.push(`${id} ${text}`);
    expect(texts).toContain(`backend-1 ${'ä'.repeat(20_000)}`);
    expect(texts).toContain('backend-1 to stderr');

    const since: string[] = [];
    for await (const { text } of driver.logs('backend', { since: new Date() })) since.push(text);
    expect(since.length).toBeLessThan(3);

    const stop = new AbortController();
    const followed: string[] = [];
    for await (const { text } of driver.logs('backend', {
      since: new Date(),
      follow: true,
      signal: stop.signal,
    })) {
      followed.push(text);
      if (followed.length === 3) stop.abort();
    }
    expect(followed.every((text) => text.startsWith('line '))).toBe(true);
  });

  it('tells how much each container uses, and of a stopped one nothing', async () => {
    await driver.stats();
    const use = await driver.stats();
    expect(use.find(({ id }) => id === 'backend-1')?.memoryBytes).toBeGreaterThan(1_000_000);

    await driver.stop('cache', signal());
    expect((await driver.stats()).find(({ id }) => id === 'cache-1')).toMatchObject({
      cpu: null,
      memoryBytes: null,
    });
    await driver.start('cache', signal());
  });

  it('refuses a service that the project does not have, and names those that it has', async () => {
    await expect(driver.stop('worker', signal())).rejects.toMatchObject({
      message: 'the compose project exam has no container of worker',
      hint: expect.stringContaining('it has: backend, cache'),
    });
  });

  it('cannot be asked about a project that is not there, or without an engine, and says what to do', async () => {
    await expect(driverOf(engine.env, { project: 'other' }).instances()).rejects.toMatchObject({
      message: 'the engine has no container of the compose project other',
    });
    await expect(
      driverOf({ ...engine.env, DOCKER_HOST: 'unix:///nowhere.sock' }).instances(),
    ).rejects.toMatchObject({
      message: expect.stringContaining('unix:///nowhere.sock does not answer'),
      hint: expect.stringContaining('systemctl start docker'),
    });
    await expect(driverOf({ ...engine.env, DOCKER_HOST: 'ssh://host' }).instances()).rejects.toMatchObject({
      hint: expect.stringContaining('ssh -nNT -L'),
    });
  });
});
