import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError, messageOf } from '../lifecycle/errors.ts';
import { withhold } from '../lifecycle/redact.ts';
import { Secret } from './secret.ts';
import type { Variables } from './settings.ts';

/** ${env:NAME} or ${file:path}, anywhere inside a text. */
const reference = /\$\{(env):([A-Za-z_]\w*)\}|\$\{(file):([^}]+)\}/g;

export interface ValueProblem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export function referencesIn(text: string): string[] {
  return text.match(reference) ?? [];
}

/** `text` with each reference replaced; what is left of `${` is then a mistake. */
export function replaceReferences(text: string, replacement: string): string {
  return text.replaceAll(reference, () => replacement);
}

export function referenceProblem(text: string): ValueProblem | undefined {
  const left = /\$\{[^}]*\}?/.exec(replaceReferences(text, ''))?.[0];
  if (left === undefined) return undefined;
  return {
    code: 'unknown-reference',
    message: 'has a reference that is not understood',
    // Only what stands before the colon is shown: the rest might be the secret itself.
    hint: `"${left.split(':')[0]}..." is neither \${env:NAME} nor \${file:path}`,
  };
}

interface ReferenceContext {
  readonly env: Variables;
  /** relative paths of ${file:...} start here */
  readonly folder: string;
  /** "examctl.yaml:7:12 environments.staging.api.token" */
  readonly where: string;
  /** says what is wrong with the resolved value, without repeating it */
  readonly check?: (value: string) => string | undefined;
}

export function secretFrom(text: string, context: ReferenceContext): Secret {
  return new Secret({
    resolve: () => resolveReferences(text, context),
    masked: replaceReferences(text, '***'),
    references: referencesIn(text),
  });
}

function resolveReferences(text: string, context: ReferenceContext): string {
  const partAt = partsOf(text);
  const value = text.replaceAll(
    reference,
    (_, isEnv: string | undefined, name: string, __, path: string, offset: number) => {
      const read = isEnv ? readVariable(name, context) : readSecretFile(path, context);
      const part = partAt(offset);
      // a host is no secret, and messages name it
      if (part !== 'place') withhold(read);
      return encoders[part](read);
    },
  );
  const problem = context.check?.(value);
  if (problem === undefined) return value;
  throw new ConfigError(`${context.where}: ${referencesIn(text).join(' and ')} ${problem}`, {
    hint: 'look at what the variable or file holds (its value is not shown here)',
  });
}

/** Where in a URL a reference stands; `whole`: it is the URL, or there is none. */
type Part = 'whole' | 'login' | 'user or password' | 'place' | 'query';

/** What stands for a part of a URL is encoded as that part: a password has / # ? @ and % as it likes. */
const encoders: Readonly<Record<Part, (value: string) => string>> = {
  whole: (value) => value,
  login: (value) => value.split(/:(.*)/s, 2).map(encodeURIComponent).join(':'),
  'user or password': encodeURIComponent,
  place: (value) => value,
  query: encodeURIComponent,
};

function partsOf(text: string): (offset: number) => Part {
  const filled = text.replaceAll(reference, (found) => '_'.repeat(found.length));
  const url = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^/?#]*)@)?[^?]*/i.exec(filled);
  if (url === null) return () => 'whole';
  const [beforeQuery, scheme = '', login = ''] = url;
  const [first = ''] = referencesIn(text.slice(scheme.length));
  return (offset) => {
    if (offset < scheme.length + login.length)
      return first.length === login.length ? 'login' : 'user or password';
    return offset < beforeQuery.length ? 'place' : 'query';
  };
}

function readVariable(name: string, { env, where }: ReferenceContext): string {
  const value = env[name];
  if (value) return value;
  const state = value === undefined ? 'not set' : 'empty';
  throw new ConfigError(`${where}: the variable ${name} is ${state}`, {
    hint: `set it in the shell that runs examctl: read -rs ${name} && export ${name}`,
  });
}

function readSecretFile(path: string, { folder, where }: ReferenceContext): string {
  const file = resolve(folder, path);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${where}: the secret file ${file} cannot be read: ${messageOf(error)}`, {
      hint: 'create it with mode 0600, or correct the path (relative to the configuration file)',
      cause: error,
    });
  }
  const value = text.replace(/\r?\n$/, '');
  if (value !== '') return value;
  throw new ConfigError(`${where}: the secret file ${file} is empty`, { hint: 'write the secret into it' });
}
