import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withEngineOfContext } from '../../src/adapters/docker/docker-context.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-context-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const host = 'unix:///run/user/1000/docker.sock';

function makeContext(name: string, meta: object = { Endpoints: { docker: { Host: host } } }): string {
  const digest = createHash('sha256').update(name).digest('hex');
  const place = join(folder, 'contexts/meta', digest);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'meta.json'), JSON.stringify({ Name: name, ...meta }));
  return digest;
}
const choose = (name: string) =>
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ currentContext: name }));
const engineOf = (env: NodeJS.ProcessEnv = {}) => withEngineOfContext({ DOCKER_CONFIG: folder, ...env });

it('the engine is that of the context in use, of DOCKER_CONTEXT before it, of DOCKER_HOST before both', () => {
  expect(engineOf().DOCKER_HOST).toBeUndefined();
  makeContext('exam-host');
  choose('exam-host');
  expect(engineOf().DOCKER_HOST).toBe(host);
  makeContext('other', { Endpoints: { docker: { Host: 'tcp://other:2375' } } });
  const other = engineOf({ DOCKER_CONTEXT: 'other' });
  expect(other.DOCKER_HOST).toBe('tcp://other:2375');
  // or compose would refuse both at once
  expect(other.DOCKER_CONTEXT).toBeUndefined();
  expect(engineOf({ DOCKER_HOST: 'unix:///given' }).DOCKER_HOST).toBe('unix:///given');
  expect(engineOf({ DOCKER_CONTEXT: 'default' }).DOCKER_HOST).toBeUndefined();
});

it('certificates of a context are its own', () => {
  const place = join(folder, 'contexts/tls', makeContext('far'), 'docker');
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'ca.pem'), '');
  expect(engineOf({ DOCKER_CONTEXT: 'far' })).toMatchObject({
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: place,
  });
});

it('a context that names no engine is told, and no other engine taken instead', () => {
  choose('gone');
  expect(() => engineOf()).toThrow('the docker context "gone" is chosen');
  writeFileSync(join(folder, 'config.json'), '{');
  expect(() => engineOf()).toThrow('config.json cannot be read');
});
