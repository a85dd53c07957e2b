import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { Examctl, partState } from '../support/examctl.ts';

const execute = promisify(execFile);
const modules = join(packageRoot(), 'node_modules');
const tsc = join(modules, 'typescript-7/bin/tsc');

let project: string;
let examctl: Examctl;

/** The packed package, installed in a project of somebody else, with the dependencies that are here already. */
beforeAll(async () => {
  examctl = new Examctl();
  project = mkdtempSync(join(tmpdir(), 'examctl-library-'));
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', project];
  const { stdout } = await execute('npm', pack, { cwd: packageRoot() });
  const unpacked = join(project, 'node_modules/examctl');
  mkdirSync(join(unpacked), { recursive: true });
  await execute('tar', ['-xzf', join(project, stdout.trim()), '-C', unpacked, '--strip-components=1']);
  // built here, and not in dist/, which other tests are reading
  const types = ['-p', join(packageRoot(), 'tsconfig.types.json'), '--outDir', join(unpacked, 'dist/types')];
  await execute(process.execPath, [tsc, ...types]);
  symlinkSync(modules, join(unpacked, 'node_modules'));
  mkdirSync(join(project, 'node_modules/@types'));
  symlinkSync(join(modules, '@types/node'), join(project, 'node_modules/@types/node'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
}, 120_000);

afterAll(async () => {
  await examctl.remove();
  rmSync(project, { recursive: true, force: true });
}, 120_000);

/** What the script prints as JSON, and how long its process took to end after its last line. */
async function script<T>(body: string): Promise<{ said: T; lingered: number }> {
  const file = join(project, 'rehearsal.js');
  writeFileSync(
    file,
    `import * as examctl from 'examctl';
const { openEnvironment } = examctl;
const environment = await openEnvironment('sandbox', { state: ${JSON.stringify(examctl.state)} });
${body}
say({ end: Date.now() });
function say(value) { process.stdout.write(JSON.stringify(value) + '\\n'); }
`,
  );
  const { stdout, stderr } = await execute(process.execPath, [file], {
    cwd: project,
    maxBuffer: 16 * 1024 * 1024,
  });
  expect(stderr).toBe('');
  const lines = stdout.trim().split('\n');
  const { end } = JSON.parse(lines.pop() ?? '') as { end: number };
  return { said: lines.map((line) => JSON.parse(line)) as T, lingered: Date.now() - end };
}

describe('the library of the packed package', () => {
  it('brings a sandbox up, as a process that outlives the script', { timeout: 120_000 }, async () => {
    const { said } = await script<[boolean, boolean]>(`
      say(await environment.ephemeral.isUp());
      await environment.ephemeral.up(AbortSignal.timeout(50_000));
      say(await environment.ephemeral.isUp());`);
    expect(said).toEqual([false, true]);
    expect(await partState(examctl, 'backend-1')).toBe('running');
  });

  it('runs checks, with the object that --output json prints', async () => {
    const { said } = await script<[Record<string, unknown>]>(
      `say(await examctl.runChecks(environment, { only: ['constraints-valid', 'count-sessions'] }));`,
    );
    const printed = await examctl.json(
      'integrity',
      'check',
      '--check',
      'constraints-valid',
      '--check',
      'count-sessions',
    );
    const timeless = (run: Record<string, unknown>) =>
      JSON.parse(
        JSON.stringify({ ...run, startedAt: null, snapshotAt: null, statements: [] }).replaceAll(
          /"durationMs":\d+/g,
          '"durationMs":0',
        ),
      );
    expect(timeless(said[0])).toEqual(timeless(printed));
    expect(said[0].outcomes).toMatchObject([
      { id: 'constraints-valid', outcome: 'pass' },
      { id: 'count-sessions' },
    ]);
  });

  it('switches exam mode, proves it, and restores what was before', { timeout: 90_000 }, async () => {
    const { said } = await script<
      [{ kept: boolean; run: string }, { outcome: string; schema: string }, { changes: object[] }]
    >(`
      say(await examctl.runOperation(environment, await examctl.planExamModeOn(environment), { reason: 'rehearsal' }));
      say(await examctl.verifyExamMode(environment));
      const off = await examctl.planExamModeOff(environment);
      await examctl.runOperation(environment, off);
      say(off);`);
    const [on, verification, off] = said;
    expect(on.kept).toBe(true);
    expect(verification).toMatchObject({ outcome: 'pass', schema: 'examctl/exam-mode.verify/v1' });
    expect(off.changes).toHaveLength(2);
    const { entries } = await examctl.json<{ entries: { run: string; reason: string; result: string }[] }>(
      'audit',
      'log',
    );
    expect(entries.filter(({ run }) => run === on.run)).toMatchObject([
      { result: 'started', reason: 'rehearsal' },
      { result: 'done', reason: 'rehearsal' },
    ]);
  });

  it('injects a fault under a guardian and tells every event of it', { timeout: 120_000 }, async () => {
    const { said } = await script<[{ run: string; kept: boolean; observations: object[] }, string[]]>(`
      const events = [];
      const watched = await openEnvironment('sandbox', {
        state: ${JSON.stringify(examctl.state)}, onEvent: ({ type }) => events.push(type),
      });
      const plan = await examctl.planFault(watched, 'redis-outage', { seconds: 1 });
      say(await examctl.runOperation(watched, plan, {
        during: async () => [{ id: 'seen', title: 'it is seen', outcome: 'pass', message: 'yes' }],
      }));
      say(events);`);
    const [result, events] = said;
    expect(result).toMatchObject({ kept: false, observations: [{ id: 'seen' }] });
    expect(events).toEqual([
      'lock.taken',
      'run.started',
      'plan.made',
      'change.started',
      'change.applied',
      'change.verified',
      'hold.started',
      'revert.started',
      'revert.verified',
      'proof.started',
      'proof.done',
      'run.finished',
    ]);
    expect(await partState(examctl, 'cache-1')).toBe('running');
    const { stdout } = await examctl.run('runs', 'show', result.run, '-o', 'json');
    expect(stdout).toContain('guardian.ready');
  });

  it('captures metrics, and rehearses with a report in a folder', { timeout: 90_000 }, async () => {
    const { said } = await script<[{ outcomes: { outcome: string }[] }, Record<string, unknown>, string]>(`
      say(await examctl.captureMetrics(environment, { folder: 'metrics' }));
      const result = await examctl.rehearse(environment, { phases: ['canary'] });
      say(result);
      const { readFileSync } = await import('node:fs');
      say(readFileSync(result.folder + '/report.json', 'utf8'));`);
    const [capture, result, report] = said;
    expect(capture.outcomes.map(({ outcome }) => outcome)).not.toContain('unknown');
    expect(result).toMatchObject({ verdict: 'INCONCLUSIVE', schema: 'examctl/rehearsal/v1' });
    expect(JSON.parse(report)).toEqual(result);
  });

  it('throws the errors that end the command, with exit code and hint', async () => {
    const { said } = await script<{ name: string; exitCode: number; known: boolean; hint?: string }[]>(`
      const thrown = async (action) => {
        try { await action(); } catch (error) {
          const { name, exitCode, hint } = error;
          say({ name, exitCode, hint, known: error instanceof examctl.ExamctlError });
        }
      };
      await thrown(() => openEnvironment('sandbax'));
      await thrown(() => examctl.planFault(environment, 'redis-outtage'));
      await thrown(() => examctl.runChecks({ ...environment }));
      await thrown(() => examctl.runChecks(environment, { only: ['constraint-valid'] }));
      await thrown(() => examctl.rehearse(environment, { phases: ['faults'] }));
      const ended = await openEnvironment('sandbox', {
        state: ${JSON.stringify(examctl.state)}, signal: AbortSignal.abort(new examctl.Interrupted('SIGTERM')),
      });
      await thrown(async () => examctl.runOperation(ended, await examctl.planFault(ended, 'redis-outage', { seconds: 1 })));`);
    expect(said.map(({ name, exitCode }) => [name, exitCode])).toEqual([
      ['UsageError', 2],
      ['UsageError', 2],
      ['UsageError', 2],
      ['UsageError', 2],
      ['UsageError', 2],
      ['Interrupted', 143],
    ]);
    expect(said.every(({ known }) => known)).toBe(true);
    expect(said[1]?.hint).toContain('redis-outage');
    expect(await partState(examctl, 'cache-1')).toBe('running');
  });

  it('takes the sandbox down again', { timeout: 120_000 }, async () => {
    const { said } = await script<[boolean]>(`
      await environment.ephemeral.down();
      say(await environment.ephemeral.isUp());`);
    expect(said).toEqual([false]);
    expect(await partState(examctl, 'backend-1')).toBe('absent');
  });
});

describe('the types of the packed package', () => {
  const compile = (source: string) => {
    writeFileSync(join(project, 'consumer.ts'), source);
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--moduleResolution', 'nodenext'];
    const more = ['--target', 'es2023', '--lib', 'es2023', '--exactOptionalPropertyTypes', '--types', 'node'];
    return execute(process.execPath, [tsc, ...options, ...more, 'consumer.ts'], { cwd: project }).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    );
  };

  it('are complete for a strict project that checks declarations, too', { timeout: 120_000 }, async () => {
    const problems = await compile(`
import { type CheckRun, openEnvironment, planFault, type Refused, rehearse, runChecks, runOperation, type Verdict } from 'examctl';
const environment = await openEnvironment('staging', { config: 'examctl.yaml', onEvent: (event) => {
  if (event.type === 'change.verified') process.stdout.write(event.outcome.message);
} });
const run: CheckRun = await runChecks(environment, { since: new Date() });
const first: string | undefined = run.outcomes[0]?.hint;
const verdict: Verdict = (await rehearse(environment, { profile: 'smoke', phases: ['canary'] })).verdict;
const { kept } = await runOperation(environment, await planFault(environment, 'redis-outage'), { reason: 'drill' });
export const all: [string | undefined, Verdict, boolean, Refused | undefined] = [first, verdict, kept, undefined];
`);
    expect(problems).toBe('');
  });

  it('refuse what the functions refuse', { timeout: 120_000 }, async () => {
    const problems = await compile(`
import { openEnvironment, rehearse } from 'examctl';
await rehearse(await openEnvironment(), { profile: 'huge' });
`);
    expect(problems).toContain(`Type '"huge"' is not assignable to type 'ProfileName`);
  });
});
