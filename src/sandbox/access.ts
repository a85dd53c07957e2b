import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Identity, RehearsalAccounts } from '../lifecycle/environment.ts';
import { UsageError } from '../lifecycle/errors.ts';
import { apiUrl, readSandboxConfig, type SandboxConfig } from './config.ts';
import { requireRunning } from './control-client.ts';
import { locateSandbox } from './folder.ts';

/** As in seed.ts, which takes longer to load. */
const studentDomain = 'students.sandbox.local';

interface ClockOffset {
  /** of whoever issues the tokens */
  readonly clockOffsetSeconds?: number;
}

/** How the sandbox's parts are reached, for those who operate it like any other environment. */
export interface SandboxAccess {
  /** superuser; holds the password */
  readonly databaseUrl: string;
  /** holds the password */
  readonly redisUrl: string;
  /** the edge with the base path: http://127.0.0.1:39769/v1 */
  readonly apiUrl: string;
  readonly basePath: string;
  /** all of its students are made for rehearsals */
  readonly accounts: RehearsalAccounts;
  /** of the seeded administrator, valid for 24 h */
  adminToken(): Promise<string>;
  /** the first seeded students, at most `count`, with tokens that are valid for 24 h */
  identities(count: number, options?: ClockOffset): Promise<Identity[]>;
}

/** Reads files only, so that it costs nothing when nothing is used of it; throws Undetermined without a sandbox. */
export function openSandbox(stateFolder: string): SandboxAccess {
  const { files } = requireRunning(stateFolder);
  const config = readSandboxConfig(files.config);
  return {
    databaseUrl: config.databaseUrl,
    redisUrl: config.redisUrl,
    apiUrl: apiUrl(config),
    basePath: config.basePath,
    accounts: { emailDomain: studentDomain, userIds: [] },
    adminToken: () => mintAdminToken(config),
    identities: (count, options) => mintIdentities(config, count, options),
  };
}

/** Tells this sandbox from one made anew in the same place: its key is made with its data. Undefined: there is none. */
export function sandboxFingerprint(stateFolder: string): string | undefined {
  const files = locateSandbox(stateFolder);
  if (!existsSync(files.config)) return undefined;
  return createHash('sha256')
    .update(readSandboxConfig(files.config).jwtSigningKey)
    .digest('hex')
    .slice(0, 16);
}

async function mintIdentities(
  config: SandboxConfig,
  count: number,
  options?: ClockOffset,
): Promise<Identity[]> {
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`the number of identities must be 1 or more, not ${count}`);
  const [{ mintTokens }, { sandboxStudents }] = await Promise.all([
    import('./backend/tokens.ts'),
    import('./seed.ts'),
  ]);
  return mintTokens(config, sandboxStudents(Math.min(count, config.students)), options);
}

async function mintAdminToken(config: SandboxConfig): Promise<string> {
  const [{ mintTokens }, { sandboxAdmin }] = await Promise.all([
    import('./backend/tokens.ts'),
    import('./seed.ts'),
  ]);
  const [admin] = await mintTokens(config, [sandboxAdmin]);
  if (admin === undefined) throw new Error('no token was minted');
  return admin.token;
}
