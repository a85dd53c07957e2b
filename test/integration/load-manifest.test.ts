import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findK6, k6Environment } from '../../src/adapters/k6.ts';
import { readK6Scripts } from '../../src/adapters/k6-scripts.ts';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { k6Manifest } from '../../src/load/k6-manifest.ts';
import type { LoadPlan } from '../../src/load/load-plan.ts';
import { reconcile } from '../../src/load/reconcile/reconcile.ts';
import { prepareLoad } from '../../src/load/run-load.ts';
import { up } from '../../src/sandbox/sandbox.ts';
import { type TestSandbox, testSandbox } from '../support/sandbox.ts';
import { type SandboxEnvironment, sandboxEnvironment } from '../support/sandbox-environment.ts';

const run = promisify(execFile);
const operator = 'github.com/grafana/k6-operator@v0.0.19';

const k6 = await findK6(process.env);
const published = await run('go', ['mod', 'download', '-json', operator], { cwd: tmpdir() }).then(
  ({ stdout }) => ({ folder: (JSON.parse(stdout) as { Dir: string }).Dir }),
  (error: Error) => ({ why: `Go cannot get ${operator}: ${error.message.split('\n')[0]}` }),
);

let sandbox: TestSandbox;
let environment: SandboxEnvironment;
let folder: string;
let plan: LoadPlan;

beforeAll(async () => {
  sandbox = testSandbox();
  await up(sandbox.context, { students: 20 });
  environment = await sandboxEnvironment(sandbox.context.stateFolder);
  folder = mkdtempSync(join(tmpdir(), 'examctl-manifest-'));
  const { signal } = new AbortController();
  const overrides = { students: 13, seconds: 4 };
  ({ plan } = await prepareLoad({ environment, scenario: 'exam-day', overrides, signal }));
}, 120_000);

afterAll(async () => {
  await environment?.close();
  await sandbox?.remove();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function manifestOf(plan: LoadPlan) {
  const scripts = await readK6Scripts(join(packageRoot(), 'k6'));
  const request = { parallelism: 3, namespace: 'load', image: 'grafana/k6:1.8.1', ledgerClaim: 'ledgers' };
  return k6Manifest({ plan, scripts, ...request }) as Manifest[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly stringData: Record<string, string>;
  readonly data: Record<string, string>;
  readonly spec: TestRunSpec;
}

interface TestRunSpec {
  readonly parallelism: number;
  readonly arguments: string;
  readonly script: { readonly localFile: string };
  readonly runner: {
    readonly env: readonly { name: string; value?: string }[];
    readonly volumes: readonly [
      { configMap: { items: readonly { key: string; path: string }[] } },
      { projected: { sources: readonly { secret: { name: string } }[] } },
      unknown,
    ];
  };
}

describe(`by the published schema (${operator})`, () => {
  beforeEach(({ skip }) => {
    if ('why' in published) skip(published.why);
  });

  const validate = () => {
    if ('why' in published) throw new Error(published.why);
    const text = readFileSync(join(published.folder, 'config/crd/bases/k6.io_testruns.yaml'), 'utf8');
    const { versions } = parse(text).spec;
    const { openAPIV3Schema } = versions.find(({ name }: { name: string }) => name === 'v1alpha1').schema;
    return new Ajv({ strict: false, validateFormats: false }).compile(closed(openAPIV3Schema));
  };

  test('the test run is valid', async () => {
    const testRun = (await manifestOf(plan)).find(({ kind }) => kind === 'TestRun');
    const isValid = validate();
    expect(isValid(testRun), JSON.stringify(isValid.errors)).toBe(true);
  });

  test('and one with a field of another type, without one, or with one too many is not', async () => {
    const testRun = (await manifestOf(plan)).find(({ kind }) => kind === 'TestRun');
    const { spec } = testRun as Manifest;
    const { parallelism: _, ...less } = spec;
    const isValid = validate();
    for (const changed of [{ ...spec, parallelism: 'three' }, less, { ...spec, paralelism: 3 }])
      expect(isValid({ ...testRun, spec: changed })).toBe(false);
  });
});

/** As kubectl does it: a field that the schema does not know is an error. */
function closed(schema: unknown): object {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema as object;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isObject = schema && 'properties' in schema && 'type' in schema && schema.type === 'object';
  // metadata is described without properties: it is the same for all resources
  return isObject ? { additionalProperties: false, ...copy } : copy;
}

test('a plan that is too big for a Secret is divided, and no student is lost', async () => {
  const [student] = plan.students;
  if (student === undefined) throw new Error('the plan has no student');
  const answers = Array.from({ length: 60 }, () => ({ at: 1000.123, question: 17, selectedIndex: 3 }));
  const students = Array.from({ length: 1_000 }, (_, index) => ({ ...student, number: index + 1, answers }));
  const secrets = (await manifestOf({ ...plan, students })).filter(({ kind }) => kind === 'Secret');
  expect(secrets.length).toBeGreaterThan(2);
  const texts = secrets.flatMap(({ stringData }) => Object.values(stringData));
  for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThan(2 ** 20);
  const held = texts.flatMap((text) => (JSON.parse(text) as LoadPlan).students);
  expect(held.map(({ number }) => number)).toEqual(students.map(({ number }) => number));
});

test('pods with what the manifest holds and an execution segment each are together all students, once', {
  timeout: 120_000,
}, async ({ skip }) => {
  if ('missing' in k6) return skip(`${k6.missing} (${k6.hint})`);
  const manifests = await manifestOf(plan);
  const [testRun] = manifests.filter(({ kind }) => kind === 'TestRun');
  const [scripts] = manifests.filter(({ kind }) => kind === 'ConfigMap');
  if (testRun === undefined || scripts === undefined) throw new Error('no manifest');
  const { runner, script, parallelism, arguments: args } = testRun.spec;
  // the places of the pod, below a folder of this test
  const place = (path: string) => join(folder, path);
  const [scriptsVolume, planVolume] = runner.volumes;
  for (const { key, path } of scriptsVolume.configMap.items) {
    const file = place(join('/examctl', path));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, scripts.data[key] ?? '');
  }
  mkdirSync(place('/plan'));
  mkdirSync(place('/ledgers'));
  for (const { secret } of planVolume.projected.sources) {
    const held = manifests.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === secret.name);
    for (const [name, text] of Object.entries(held?.stringData ?? {}))
      writeFileSync(place(join('/plan', name)), text);
  }
  const planFiles = runner.env.find(({ name }) => name === 'EXAMCTL_LOAD_PLAN')?.value ?? '';
  const env = k6Environment(process.env, {
    plan: planFiles
      .split(',')
      .map((path) => place(path))
      .join(','),
    summary: '/dev/null',
  });
  const sequence = Array.from({ length: parallelism + 1 }, (_, at) => `${at}/${parallelism}`).join(',');
  const ledgers = await Promise.all(
    Array.from({ length: parallelism }, async (_, pod) => {
      const segment = `${pod}/${parallelism}:${pod + 1}/${parallelism}`;
      const own = args.replace('$(POD_NAME)', `pod-${pod}`).replace('/ledgers/', `${place('/ledgers')}/`);
      const segments = [`--execution-segment=${segment}`, `--execution-segment-sequence=${sequence}`];
      await run(k6.binary, ['run', '--quiet', ...segments, ...own.split(' '), place(script.localFile)], {
        env,
      });
      return place(`/ledgers/pod-${pod}-ledger.ndjson`);
    }),
  );
  const finished = ledgers.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{"kind":"student"'))
      .map((line) => JSON.parse(line) as { student: number; completed: boolean }),
  );
  expect(finished.map(({ student }) => student).sort((a, b) => a - b)).toEqual(
    plan.students.map(({ number }) => number),
  );
  expect(finished.every(({ completed }) => completed)).toBe(true);
  expect(await reconcile(ledgers, environment)).toMatchObject({ outcome: 'pass', sessions: 13 });
});
