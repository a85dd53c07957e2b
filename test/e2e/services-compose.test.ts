import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../../src/adapters/package-root.ts';
import type { Plan } from '../../src/lifecycle/plan.ts';
import { composePrograms, startEngine, type TestEngine, whyNoEngine } from '../support/docker-engine.ts';
import { stackServices } from '../support/exam-stack/services.ts';
import { type ExamStack, startExamStack } from '../support/exam-stack.ts';
import { Examctl } from '../support/examctl.ts';

const program = composePrograms.find(({ missing }) => missing === null);
const why = whyNoEngine() ?? (program === undefined ? composePrograms[0]?.missing : null);

describe.skipIf(why)(`services that compose runs${why ? `, skipped: ${why}` : ''}`, () => {
  const examctl = new Examctl();
  let engine: TestEngine;
  let stack: ExamStack;
  let config: string;
  beforeAll(async () => {
    engine = await startEngine();
    program?.install(engine);
    stack = await startExamStack(engine, {
      project: 'exam',
      command: program?.command ?? [],
      workers: 2,
      students: 20,
    });
    config = await throughTheDriver(stack);
    await docker('tag', image(1), image(0));
    await docker('import', '--change', 'ENTRYPOINT ["false"]', join(engine.folder, 'broken.tar'), image(13));
  }, 120_000);
  afterAll(async () => {
    await examctl.remove();
    await stack?.down();
    await engine?.stop();
  }, 120_000);

  const image = (tag: number) => `examctl-test/host:${tag}`;
  const docker = (...args: string[]) => execa('docker', args, { env: engine.env, extendEnv: false });

  /** The same with the connections as the containers have them: what the official images are given, by a second file. */
  const throughTheDriver = async ({ file, configFile, compose, untilHealthy }: ExamStack) => {
    const { environments } = parse(readFileSync(configFile, 'utf8')) as {
      environments: { staging: Record<string, unknown> };
    };
    const secret = (name: string) => readFileSync(join(dirname(configFile), 'secrets', name), 'utf8').trim();
    writeFileSync(join(engine.folder, 'password'), secret('database-password'), { mode: 0o644 });
    const override = join(dirname(file), 'logins.yml');
    const database = {
      environment: {
        POSTGRES_USER: 'exam_user',
        POSTGRES_DB: 'exam_platform',
        POSTGRES_PASSWORD_FILE: '/password',
      },
      volumes: [`${join(engine.folder, 'password')}:/password:ro`],
    };
    const cache = { environment: { REDIS_PASSWORD: secret('cache-password') } };
    const services = { [stackServices.database]: database, [stackServices.cache]: cache };
    writeFileSync(override, stringify({ version: '2.4', services }));
    await compose('--file', override, 'up', '--detach', '--no-deps', ...Object.keys(services));
    await untilHealthy(60);
    writeFileSync(join(engine.folder, 'broken.tar'), Buffer.alloc(10_240));
    const through = { ...environments.staging, database: { via: 'driver' }, cache: { via: 'driver' } };
    const written = join(dirname(configFile), 'through.yaml');
    writeFileSync(written, stringify({ environments: { through } }));
    return written;
  };

  const run = (...args: string[]) =>
    examctl.start(['--config', config, '-e', 'through', ...args], stack.env).ended;
  /** As a person has it: what it prints is a terminal's, and each answer goes to its keyboard. */
  const inTerminal = async (
    command: string,
    answer: (screen: string) => Promise<string | undefined>,
  ): Promise<{ code: number | null; said: string }> => {
    const { CI: _, ...inherited } = process.env;
    const child = spawn(
      'script',
      [
        '--quiet',
        '--return',
        '--flush',
        '--command',
        `${process.execPath} ${join(packageRoot(), 'bin/examctl.js')} ${command}`,
        '/dev/null',
      ],
      { cwd: examctl.cwd, env: { ...inherited, ...stack.env, EXAMCTL_STATE: examctl.state } },
    );
    let said = '';
    child.stdout.setEncoding('utf8').on('data', async (text: string) => {
      said += text;
      const typed = await answer(said);
      if (typed !== undefined) child.stdin.write(typed);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, said };
  };
  const containersOf = async (service: string) =>
    (await docker('ps', '--quiet', '--filter', `label=com.docker.compose.service=${service}`)).stdout.split(
      '\n',
    );
  const imageOf = async (service: string) =>
    (
      await docker(
        'ps',
        '--all',
        '--filter',
        `label=com.docker.compose.service=${service}`,
        '--format',
        '{{.Image}}',
      )
    ).stdout;

  it('are shown, and reached through their containers', async () => {
    const { exitCode, stdout, stderr } = await run('services', 'status', '-o', 'json');
    expect(exitCode, stderr).toBe(0);
    expect((JSON.parse(stdout) as { instances: { id: string }[] }).instances.map(({ id }) => id)).toEqual([
      'backend-1',
      'cache-1',
      'database-1',
      'edge-1',
      'worker-1',
    ]);

    const steady = await run('fault', 'inject', 'redis-outage', '--for', '1s', '--dry-run', '-o', 'json');
    expect(steady.stdout, steady.stderr).toContain('no student is in an exam');
  });

  it('are not rolled back without a tag that the engine has, and the message says what to type', async () => {
    const none = await run('services', 'rollback', 'backend');
    expect(none.exitCode).toBe(2);
    expect(none.stderr).toContain(`which version of backend to go back to is not given; ${image(1)} runs`);

    const missing = await run('services', 'rollback', 'backend', '--to', '7');
    expect(missing.exitCode).toBe(4);
    expect(missing.stderr).toContain(`docker pull ${image(7)}`);

    const wrong = await run('services', 'rollback', 'backend', '--to', 'a b');
    expect(wrong.exitCode).toBe(2);
    expect((await run('services', 'rollback', 'frontend', '--to', '0')).exitCode).toBe(2);
  });

  it('are rolled back by the plan that a dry run shows, and forth again, byte for byte', async () => {
    const before = readFileSync(stack.file, 'utf8');
    const rollback = (tag: number, ...more: string[]) =>
      run('services', 'rollback', 'backend', '--to', `${tag}`, ...more);

    const dry = await rollback(0, '--dry-run', '-o', 'json');
    expect(dry.exitCode, dry.stderr).toBe(0);
    const plan = JSON.parse(dry.stdout) as Plan;
    expect(plan.impact).toMatchObject({ disruptive: true, sessionsInProgress: 0 });
    expect(plan.changes).toMatchObject([
      {
        target: 'image of backend',
        before: expect.stringMatching(`${image(1)} .*in ${stack.file}`),
        after: expect.stringContaining(image(0)),
      },
    ]);
    expect(readFileSync(stack.file, 'utf8')).toBe(before);

    const done = await rollback(0);
    expect(done.exitCode, done.stderr).toBe(0);
    expect(await imageOf(stackServices.backend)).toBe(image(0));

    expect((await rollback(1)).exitCode).toBe(0);
    expect(await imageOf(stackServices.backend)).toBe(image(1));
    expect(readFileSync(stack.file, 'utf8')).toBe(before);
  }, 120_000);

  it.each([
    { at: 'change.started+', who: 'both' },
    // the compose command is at work, and goes on
    { at: 'change.started+', who: 'both', after: '700' },
    { at: 'change.applied-', who: 'run' },
    { at: 'change.applied+', who: 'both' },
    { at: 'change.verified+', who: 'run' },
  ])(
    'are as before when a rollback is cut short: $who killed at $at $after',
    { timeout: 120_000 },
    async (kill) => {
      const before = readFileSync(stack.file, 'utf8');
      const { exitCode, stderr } = await examctl.start(
        ['--config', config, '-e', 'through', 'services', 'rollback', 'backend', '--to', '0'],
        {
          ...stack.env,
          NODE_OPTIONS: `--require=${join(packageRoot(), 'test/support/kill-at-line.cjs')}`,
          KILL_AT: kill.at,
          KILL_WHO: kill.who,
          ...(kill.after !== undefined && { KILL_AFTER: kill.after }),
        },
      ).ended;
      expect(exitCode, stderr).toBe(null);

      const recovered = await run('recover');

      expect(recovered.exitCode, recovered.stderr).toBe(0);
      expect(readFileSync(stack.file, 'utf8')).toBe(before);
      expect(await imageOf(stackServices.backend)).toBe(image(1));
      await stack.untilHealthy(20);
    },
  );

  it('get a variable by their env file, whose line the plan shows, and which is the same byte for byte afterwards', async () => {
    const before = readFileSync(stack.envFile, 'utf8').replace('EXAM_MODE=false', 'EXAM_MODE=off');
    writeFileSync(stack.envFile, before);

    const dry = await run('exam-mode', 'on', '--dry-run', '-o', 'json');
    expect(dry.exitCode, dry.stderr).toBe(0);
    expect((JSON.parse(dry.stdout) as Plan).changes).toContainEqual(
      expect.objectContaining({
        target: 'variable EXAM_MODE of backend',
        before: `EXAM_MODE=off in ${stack.envFile}, while the service has EXAM_MODE=false`,
        after: `EXAM_MODE=true in ${stack.envFile}`,
      }),
    );

    const on = await run('exam-mode', 'on');
    expect(readFileSync(stack.envFile, 'utf8'), on.stderr).toContain('EXAM_MODE=true');
    const off = await run('exam-mode', 'off');
    expect(off.exitCode, off.stderr).toBe(0);
    expect(readFileSync(stack.envFile, 'utf8')).toBe(before);
  }, 120_000);

  it('are left alone when their files change while the plan waits for its answer', async () => {
    const before = readFileSync(stack.file, 'utf8');
    const since = async () =>
      (
        await docker(
          'inspect',
          '--format',
          '{{.State.StartedAt}}',
          ...(await containersOf(stackServices.cache)),
        )
      ).stdout;
    const running = await since();
    const { environments } = parse(readFileSync(config, 'utf8')) as { environments: { through: object } };
    const careful = join(dirname(config), 'careful.yaml');
    writeFileSync(
      careful,
      stringify({ environments: { through: { ...environments.through, protected: true } } }),
    );
    const command = `services restart cache --reason test --config ${careful} -e through`;
    const answers = ['through\r'];
    const { code, said } = await inTerminal(command, async (screen) => {
      if (!screen.includes('Type the name of the environment')) return undefined;
      writeFileSync(stack.file, `${before}# changed\n`);
      return answers.shift();
    });
    writeFileSync(stack.file, before);
    expect(said).toContain('the plan of services restart is stale');
    expect(code).toBe(4);
    expect(await since()).toBe(running);
  });

  it('that do not get well with the image are given back the one before', async () => {
    const before = readFileSync(stack.file, 'utf8');

    const { exitCode, stderr } = await run('services', 'rollback', 'backend', '--to', '13');

    expect(exitCode, stderr).toBe(5);
    expect(stderr).toContain('was reverted: not all instances are well: backend-1');
    expect(await imageOf(stackServices.backend)).toBe(image(1));
    expect(readFileSync(stack.file, 'utf8')).toBe(before);
    await stack.untilHealthy(10);
  }, 120_000);
});
