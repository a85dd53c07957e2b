// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how compose files are written
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serviceNames } from '../../src/adapters/docker/compose-file.ts';
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

  it.each([
    ['COMPOSE_PROJECT_NAME="exams"'],
    ["COMPOSE_PROJECT_NAME='exams' # blue side"],
    ['COMPOSE_PROJECT_NAME=exams   # blue side'],
    ['COMPOSE_PROJECT_NAME=exams\r'],
    ['COMPOSE_PROJECT_NAME=exams'],
  ])('is read from .env as compose reads it: %j', async (line) => {
    writeFileSync(join(folder, '.env'), `${line}\nTAG=7\n`);
    expect(await projectName(file, {})).toBe('exams');
  });

  it('is made of the variables that stand in it, where that is simple', async () => {
    writeFileSync(join(folder, '.env'), 'STACK=exams\nEMPTY=\n');
    const named = async (name: string, env = {}) => {
      writeFileSync(file, `name: ${name}\nservices: {}\n`);
      return projectName(file, env);
    };
    expect(await named('${STACK:-other}')).toBe('exams');
    expect(await named('$STACK', { STACK: 'shell' })).toBe('shell');
    expect(await named('${NONE:-other}-1')).toBe('other-1');
    expect(await named('${EMPTY:-other}')).toBe('other');
    await expect(named('${STACK:?it is needed}')).rejects.toMatchObject({
      hint: expect.stringContaining('driver.project'),
    });
  });

  it('of a file with many aliases is read like any other', async () => {
    const services = Array.from({ length: 150 }, (_, index) => `  s${index}: { <<: *common }`).join('\n');
    writeFileSync(file, `name: many\nx-common: &common { image: one }\nservices:\n${services}\n`);
    expect(await projectName(file, {})).toBe('many');
    expect(await serviceNames(file)).toHaveLength(150);
  });

  it('cannot be told without the file, or of a broken one', async () => {
    await expect(projectName(join(folder, 'none.yml'), {})).rejects.toThrow('there is no compose file');
    writeFileSync(file, 'name: [');
    await expect(projectName(file, {})).rejects.toThrow(`${file} cannot be read`);
  });
});
