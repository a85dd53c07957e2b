import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { recreateArguments } from '../../src/adapters/docker/compose-cli.ts';
import { type ContainerInstance, labels } from '../../src/drivers/compose/instances.ts';
import { sourcesOf } from '../../src/drivers/compose/sources.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-sources-'));
  for (const name of ['compose.yml', '.env', 'prod.env']) writeFileSync(join(folder, name), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, 'compose.yml');
const startedWith = (envFile: string) => {
  const Labels = { [labels.folder]: folder, [labels.files]: file(), [labels.envFile]: envFile };
  return { container: { Config: { Labels } } } as unknown as ContainerInstance;
};
const lineOf = (envFile: string, { count = 1, isPlugin = true } = {}) => {
  const sources = sourcesOf(startedWith(envFile), file());
  const { of, up } = recreateArguments(
    { service: 'backend', count },
    { ...sources, project: 'exams', isPlugin },
  );
  return [...of, ...up].join(' ');
};

it('a service is made anew with all env files of its project, in their order', () => {
  expect(lineOf(`${folder}/.env,${folder}/prod.env`)).toContain(
    `--env-file ${folder}/.env --env-file ${folder}/prod.env`,
  );
  expect(lineOf('')).not.toContain('--env-file');
});

it('nothing is made anew with an env file that is not there: its way back would be refused, too', () => {
  expect(() => lineOf('x/prod.env')).toThrow(`${folder}/x/prod.env, which is not there`);
});

it('as many containers as before are made, and nothing is fetched', () => {
  expect(lineOf('', { count: 3 })).toContain('--scale backend=3 backend');
  expect(lineOf('')).not.toContain('--scale');
  expect(lineOf('')).toContain('--pull never');
  // the first generation knows no such option, and fetches nothing that is there
  expect(lineOf('', { isPlugin: false })).not.toContain('--pull');
});
