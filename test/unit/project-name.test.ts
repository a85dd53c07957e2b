import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectName } from '../../src/adapters/docker/project-name.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'examctl-project-')), '_Exam.Platform 2');
  mkdirSync(folder);
  file = join(folder, 'compose.yml');
  writeFileSync(file, 'services: {}\n');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

describe('the name of a compose project', () => {
  it('is that of the folder, as compose writes it', async () => {
    expect(await projectName(file, {})).toBe('examplatform2');
  });

  it('is the one in the file, before that the one in the .env beside it, before that the one of the environment', async () => {
    writeFileSync(file, 'name: in-the-file\nservices: {}\n');
    expect(await projectName(file, {})).toBe('in-the-file');
    writeFileSync(join(folder, '.env'), 'A=1\nCOMPOSE_PROJECT_NAME=beside\n');
    expect(await projectName(file, {})).toBe('beside');
    expect(await projectName(file, { COMPOSE_PROJECT_NAME: 'given' })).toBe('given');
  });

  it('cannot be told without the file, or of a broken one', async () => {
    await expect(projectName(join(folder, 'none.yml'), {})).rejects.toThrow('there is no compose file');
    writeFileSync(file, 'name: [');
    await expect(projectName(file, {})).rejects.toThrow(`${file} cannot be read`);
  });
});
