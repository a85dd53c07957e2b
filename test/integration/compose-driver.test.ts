import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { composeCli } from '../../src/adapters/docker/compose-cli.ts';
import { containerStats } from '../../src/adapters/docker/container-stats.ts';
import { containersOf } from '../../src/adapters/docker/containers.ts';
import { dockerEngine } from '../../src/adapters/docker/engine.ts';
import { composeDriver } from '../../src/drivers/compose/driver.ts';
import type { Driver, ServiceInstance } from '../../src/lifecycle/environment.ts';
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
  }, 60_000);

  const driverOf = (env: NodeJS.ProcessEnv, project = stack.project) => {
    const api = dockerEngine(env);
    stats = containerStats(api);
    return composeDriver({
      containers: containersOf(api),
      stats,
      cli: composeCli({ file: stack.file, project, env }),
      project: async () => project,
      services: {},
      envFileOf: (_, variable) => (variable === 'EXAM_MODE' ? stack.envFile : undefined),
    });
  };
  const instance = async (id: string): Promise<ServiceInstance> => {
    const found = (await driver.instances()).find((candidate) => candidate.id === id);
    if (found === undefined) throw new Error(`no instance ${id}`);
    return found;
  };

  it('is found by its command', async () => {
    const cli = composeCli({ file: stack.file, project: undefined, env: engine.env });

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

  it('kills one instance and has it back, as another process', async () => {
    const before = await instance('backend-1');

    await driver.restartInstance('backend-1', signal());

    const after = await instance('backend-1');
    expect(after.state).toBe('running');
    expect(after.pid).not.toBe(before.pid);
  });

  it('sets a variable in the env file, makes the container anew, and gives the file back byte for byte', async () => {
    const before = readFileSync(stack.envFile, 'utf8');

    await driver.setVariable('backend', 'EXAM_MODE', 'true', signal());
    expect(await driver.variable('backend', 'EXAM_MODE')).toBe('true');
    expect(await (await fetch(`${(await instance('backend-1')).address}`)).text()).toBe('true');

    await driver.setVariable('backend', 'EXAM_MODE', 'false', signal());
    expect(await driver.variable('backend', 'EXAM_MODE')).toBe('false');
    expect(await driver.variable('backend', 'NO_SUCH')).toBeUndefined();
    expect(readFileSync(stack.envFile, 'utf8')).toBe(before);
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
    const began = performance.now();
    const use = await driver.stats();
    expect(performance.now() - began).toBeLessThan(1_000);
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
    await expect(driverOf(engine.env, 'other').instances()).rejects.toMatchObject({
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
