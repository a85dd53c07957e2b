import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IdentitiesConfig } from '../config/settings.ts';
import { type CsvRow, csvRows } from '../lifecycle/csv.ts';
import { decodeText } from '../lifecycle/decode-text.ts';
import type { Environment, Identity, RehearsalAccounts } from '../lifecycle/environment.ts';
import { ConfigError, messageOf, Undetermined } from '../lifecycle/errors.ts';
import { withhold } from '../lifecycle/redact.ts';

const columns = ['user_id', 'email', 'token'] as const;

type FromFile = Extract<IdentitiesConfig, { kind: 'file' }>;
type FromSigningKey = Extract<IdentitiesConfig, { kind: 'signing-key' }>;

/** Students for load, at most `count`: from a CSV file, or with tokens that are minted by the platform's signing key. */
export async function readIdentities(
  config: IdentitiesConfig | undefined,
  count: number,
  environment: Pick<Environment, 'name' | 'platform' | 'withPostgres'>,
  { clockOffsetSeconds = 0 }: { readonly clockOffsetSeconds?: number } = {},
): Promise<Identity[]> {
  switch (config?.kind) {
    case 'file':
      if (clockOffsetSeconds !== 0) throw fixedClock(config, environment.name);
      return fromFile(config, count, environment.name);
    case 'signing-key':
      return fromSigningKey(config, count, environment, clockOffsetSeconds);
    case undefined:
      throw new Undetermined(`no students for load are configured for ${environment.name}`, {
        hint: `identities: { file: students.csv } with the columns ${columns.join(',')}, or { signing_key: "\${env:...}", email_domain: load.example.com }`,
      });
  }
}

function fixedClock({ file }: FromFile, environment: string): Undetermined {
  return new Undetermined(
    `${environment} takes its tokens from ${file}: none can be issued by a clock that is off`,
    { hint: `identities: { signing_key: "\${env:...}", email_domain: load.example.com } can` },
  );
}

/** The accounts that load runs may act as, to leave them out of what is looked at; null when none are configured. */
export async function readRehearsalAccounts(
  config: IdentitiesConfig | undefined,
  environment: string,
): Promise<RehearsalAccounts | null> {
  switch (config?.kind) {
    case 'file': {
      const identities = await fromFile(config, Number.POSITIVE_INFINITY, environment);
      return { emailDomain: null, userIds: identities.map(({ userId }) => userId) };
    }
    case 'signing-key':
      return { emailDomain: config.emailDomain, userIds: [] };
    case undefined:
      return null;
  }
}

async function fromFile({ file }: FromFile, count: number, environment: string): Promise<Identity[]> {
  const content = await readFile(file).catch((cause: unknown) => {
    throw new ConfigError(`the identities of ${environment} cannot be read: ${messageOf(cause)}`, { cause });
  });
  const rows = await csvRows(decodeText(content), file, {
    required: columns,
    optional: ['refresh_token'],
  });
  refuseDoubles(rows, file);
  return rows.slice(0, count).map(({ line, value }) => {
    const refreshToken = value('refresh_token');
    const identity = {
      userId: value('user_id'),
      email: value('email'),
      token: value('token'),
      ...(refreshToken !== '' && { refreshToken }),
    };
    withhold(identity.token);
    withhold(refreshToken);
    if (identity.userId === '' || identity.token === '')
      throw new ConfigError(`${file}:${line} has no user_id or no token`);
    return identity;
  });
}

/** One student at two places at once is no load: each would undo the other's answers. */
function refuseDoubles(rows: readonly CsvRow<(typeof columns)[number]>[], file: string): void {
  for (const column of columns) {
    const seen = new Map<string, number>();
    for (const { line, value } of rows) {
      const one = column === 'email' ? value(column).toLowerCase() : value(column);
      const before = seen.get(one);
      if (one !== '' && before !== undefined) {
        throw new ConfigError(`${file}:${line} has the same ${column} as line ${before}`, {
          hint: 'list each student once',
        });
      }
      seen.set(one, line);
    }
  }
}

async function fromSigningKey(
  { signingKey, emailDomain, lifetime }: FromSigningKey,
  count: number,
  { name, platform, withPostgres }: Pick<Environment, 'name' | 'platform' | 'withPostgres'>,
  clockOffsetSeconds: number,
): Promise<Identity[]> {
  const key = new TextEncoder().encode(signingKey.reveal());
  const { rows } = await withPostgres((postgres) =>
    postgres.query<{ id: string; email: string; role: string }>(platform.studentsOfDomainSql, [
      emailDomain,
      count,
    ]),
  );
  if (rows.length === 0) {
    throw new Undetermined(`${name} has no active student account with an e-mail address at ${emailDomain}`, {
      hint: 'make accounts for load under that domain, or correct identities.email_domain',
    });
  }
  const { SignJWT } = await import('jose');
  const now = Math.floor(Date.now() / 1000) + clockOffsetSeconds;
  return Promise.all(
    rows.map(async ({ id, email, role }) => ({
      userId: id,
      email,
      token: await new SignJWT({ role, type: 'access', sid: randomUUID() })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(id)
        .setIssuedAt(now)
        .setExpirationTime(now + Math.floor(lifetime / 1000))
        .setJti(randomUUID())
        .sign(key),
    })),
  );
}
