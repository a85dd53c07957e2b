import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { readText } from '../files.ts';

/**
 * The environment with the engine named in it that `docker` would talk to: by DOCKER_HOST, else by the context of
 * DOCKER_CONTEXT or of `docker context use` (docs.docker.com/engine/manage-resources/contexts). Whoever is started with it,
 * compose among them, talks to the same.
 */
export function withEngineOfContext(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (env.DOCKER_HOST) return env;
  const folder = env.DOCKER_CONFIG || join(env.HOME ?? '', '.docker');
  const name = env.DOCKER_CONTEXT || currentContext(folder);
  if (name === undefined || name === 'default') return env;
  const digest = createHash('sha256').update(name).digest('hex');
  const host = hostOf(name, join(folder, 'contexts/meta', digest, 'meta.json'));
  const { DOCKER_CONTEXT: _, ...rest } = env;
  const certificates = join(folder, 'contexts/tls', digest, 'docker');
  const isSecured = readText(join(certificates, 'ca.pem')) !== undefined;
  return {
    ...rest,
    DOCKER_HOST: host,
    ...(isSecured && { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certificates }),
  };
}

function currentContext(folder: string): string | undefined {
  const file = join(folder, 'config.json');
  const text = readText(file);
  if (text === undefined) return undefined;
  const { currentContext: name } = parsed<{ currentContext?: unknown }>(text, file);
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function hostOf(name: string, file: string): string {
  const text = readText(file);
  const host =
    text === undefined
      ? undefined
      : parsed<{ Endpoints?: { docker?: { Host?: unknown } } }>(text, file).Endpoints?.docker?.Host;
  if (typeof host === 'string' && host !== '') return host;
  throw new Undetermined(`the docker context "${name}" is chosen, and ${file} names no engine for it`, {
    hint: 'docker context ls shows them; or name the engine by DOCKER_HOST',
  });
}

function parsed<T>(text: string, file: string): T {
  try {
    return (JSON.parse(text) ?? {}) as T;
  } catch (error) {
    throw new Undetermined(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
