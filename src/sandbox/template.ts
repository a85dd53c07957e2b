import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { lastLines, writeFileAtomic } from '../adapters/files.ts';
import { packageRoot } from '../adapters/package-root.ts';
import { freePorts } from '../adapters/ports.ts';
import { messageOf, OperationFailed } from '../lifecycle/errors.ts';
import type { Account } from './account.ts';
import { exitCodeOf } from './child.ts';
import type { SandboxConfig } from './config.ts';
import { ownServers, removeAbandoned } from './owned-servers.ts';
import {
  createDatabase,
  databaseUrl,
  initPostgres,
  type PostgresBinaries,
  probePostgres,
  spawnPostgres,
  untilAnswering,
} from './postgres.ts';
import { publish } from './publish.ts';

/** A seeded data folder that was shut down cleanly, to be copied. */
export interface DatabaseTemplate {
  readonly dataFolder: string;
  /** of the superuser; every copy has it */
  readonly password: string;
}

export interface TemplateOptions {
  readonly cacheFolder: string;
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
  readonly students: number;
  readonly revision: SandboxConfig['revision'];
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

const prefix = 'seeded-';
const keptTemplates = 3;
/** another process may be copying what was used since then */
const keptAfterUse = 3_600_000;

/** Seeding takes seconds, copying what was seeded before a tenth of one. */
export async function seededTemplate(options: TemplateOptions): Promise<DatabaseTemplate> {
  const { cacheFolder, binaries, students, revision } = options;
  const folder = join(cacheFolder, `${prefix}${binaries.version}-${revision}-${students}-${seedDigest()}`);
  await removeAbandoned(cacheFolder, (name) => name.startsWith(prefix) && name.endsWith('.draft'));
  while (!markUsed(folder)) await publish(folder, (draft) => makeTemplate(draft, options));
  removeOldTemplates(cacheFolder);
  return { dataFolder: join(folder, 'postgres'), password: readFileSync(join(folder, 'password'), 'utf8') };
}

async function makeTemplate(folder: string, options: TemplateOptions): Promise<void> {
  const { binaries, account, students, revision, signal, onProgress } = options;
  mkdirSync(folder);
  chmodSync(folder, account === undefined ? 0o700 : 0o711);
  const owned = ownServers(folder);
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'a', 0o600);
  const dataFolder = join(folder, 'postgres');
  const password = randomBytes(24).toString('hex');
  try {
    onProgress('making a database');
    await initPostgres({ binaries, account, dataFolder, password, signal });
    const [port = 0] = await freePorts(1);
    const child = spawnPostgres({ binaries, account, dataFolder, port, log });
    owned.add(child.pid);
    const ended = exitCodeOf(child);
    const probe = () => probePostgres(databaseUrl(port, password, 'postgres'), 2_000);
    await untilAnswering(probe, { child, milliseconds: 20_000, signal });
    await createDatabase(port, password);
    onProgress(`seeding ${students} students`);
    const { seed } = await import('./seed.ts');
    await seed(databaseUrl(port, password), { students, revision });
    signal.throwIfAborted();
    child.kill('SIGINT');
    const code = await ended;
    if (code !== 0) throw new Error(`it ended with ${code} after the seeding`);
    writeFileAtomic(join(folder, 'password'), password);
    owned.forget();
  } catch (error) {
    const said = lastLines(logFile, 10).join('\n');
    await owned.remove();
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
    throw new OperationFailed(
      `the sandbox's PostgreSQL could not be prepared: ${messageOf(error)}; its log ends:\n${said}`,
      { reverted: true, hint: 'examctl doctor', cause: error },
    );
  } finally {
    closeSync(log);
  }
}

/** Changes when what is seeded may have changed. In the built command all code is in one file. */
function seedDigest(): string {
  const hash = createHash('sha256');
  const sources = existsSync(join(import.meta.dirname, 'seed.ts'))
    ? readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    : ['main.cjs'];
  for (const name of sources.sort()) {
    const file = join(import.meta.dirname, name);
    if (statSync(file).isFile()) hash.update(name).update(readFileSync(file));
  }
  hash.update(readFileSync(join(packageRoot(), 'sql/exam-platform/schema.sql')));
  return hash.digest('hex').slice(0, 16);
}

/** False: there is none. */
function markUsed(folder: string): boolean {
  try {
    utimesSync(folder, new Date(), new Date());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Of what was not used for an hour, all but the latest three templates. Each goes at once: half a one looks like a whole one. */
export function removeOldTemplates(cacheFolder: string, now = Date.now()): void {
  const templates = readdirSync(cacheFolder)
    .filter((name) => name.startsWith(prefix) && !name.endsWith('.draft'))
    .map((name) => join(cacheFolder, name))
    .map((folder) => ({ folder, usedAt: statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? now }))
    .sort((a, b) => b.usedAt - a.usedAt);
  for (const { folder, usedAt } of templates.slice(keptTemplates)) {
    if (now - usedAt < keptAfterUse) continue;
    const aside = `${folder}.${randomBytes(4).toString('hex')}.draft`;
    try {
      renameSync(folder, aside);
    } catch (error) {
      // another process was faster
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    rmSync(aside, { recursive: true, force: true });
  }
}
