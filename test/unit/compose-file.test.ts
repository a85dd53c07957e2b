// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how compose files are written
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  serviceNames,
  servicesWith,
  setWrittenImage,
  writtenImage,
} from '../../src/adapters/docker/compose-file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-compose-file-'));
  file = join(folder, 'compose.yml');
  writeFileSync(file, text);
});
afterEach(() => rmSync(folder, { recursive: true }));

const text = `# the platform
x-common: &common
  image: worker:\${TAG}
services:
  backend:   # with a comment
    image:   "registry/backend:6"   # the last good one
  worker: { <<: *common, restart: always }
  frontend:
    image: frontend:\${TAG:-1}
  built: { build: . }
`;

describe('a compose file', () => {
  it('tells the image of a service as it is written, and who else is made with a variable', async () => {
    expect(await serviceNames(file)).toEqual(['backend', 'worker', 'frontend', 'built']);
    expect(await writtenImage(file, 'backend')).toEqual({ text: 'registry/backend:6', isOwn: true });
    expect(await writtenImage(file, 'worker')).toEqual({ text: 'worker:${TAG}', isOwn: false });
    expect(await writtenImage(file, 'frontend')).toEqual({ text: 'frontend:${TAG:-1}', isOwn: true });
    expect(await writtenImage(file, 'built')).toBeUndefined();
    expect(await servicesWith(file, 'TAG')).toEqual(['worker', 'frontend']);
  });

  it('is changed in nothing but the image, and is the same, byte for byte, when it is set back', async () => {
    await setWrittenImage(file, 'backend', 'registry/backend:5');
    expect(readFileSync(file, 'utf8')).toBe(text.replace('backend:6', 'backend:5'));

    await setWrittenImage(file, 'backend', 'registry/backend:6');
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('that shares an image by an anchor is not changed', async () => {
    await expect(setWrittenImage(file, 'worker', 'worker:2')).rejects.toMatchObject({
      message: `the image of worker is written elsewhere in ${file}, for other services too`,
      hint: 'write it out as services.worker.image',
    });
  });

  it('that is broken or missing is named', async () => {
    writeFileSync(file, 'services: [');
    await expect(writtenImage(file, 'backend')).rejects.toThrow(`the compose file ${file} cannot be read`);
    await expect(writtenImage(join(folder, 'none'), 'backend')).rejects.toThrow('there is no compose file');
  });
});
