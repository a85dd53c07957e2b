import { readFile } from 'node:fs/promises';
import type { IdentitiesConfig } from '../config/settings.ts';
import type { Identity } from '../lifecycle/environment.ts';
import { ConfigError, messageOf, Undetermined } from '../lifecycle/errors.ts';

const columns = ['user_id', 'email', 'token'] as const;

/** Students for load from a CSV file with the columns user_id, email and token. */
export async function readIdentities(
  config: IdentitiesConfig | undefined,
  count: number,
  environment: string,
): Promise<Identity[]> {
  if (config?.kind !== 'file') {
    throw new Undetermined(`no students for load are configured for ${environment}`, {
      hint: `identities: { file: students.csv } with the columns ${columns.join(',')}`,
    });
  }
  const text = await readFile(config.file, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`the identities of ${environment} cannot be read: ${messageOf(cause)}`, { cause });
  });
  const [header = '', ...lines] = text.split(/\r?\n/).filter((line) => line !== '');
  const names = header.split(',').map((name) => name.trim());
  const [user, email, token] = columns.map((name) => names.indexOf(name));
  if (user === -1 || email === -1 || token === -1) {
    throw new ConfigError(`${config.file}:1 must have the columns ${columns.join(',')}, it has ${header}`);
  }
  return lines.slice(0, count).map((line, index) => {
    const values = line.split(',').map((value) => value.trim());
    const identity = {
      userId: values[user ?? 0] ?? '',
      email: values[email ?? 0] ?? '',
      token: values[token ?? 0] ?? '',
    };
    if (identity.userId === '' || identity.token === '') {
      throw new ConfigError(`${config.file}:${index + 2} has no user_id or no token`);
    }
    return identity;
  });
}
