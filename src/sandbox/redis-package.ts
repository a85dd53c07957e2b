import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';
import { collect, exitCodeOf } from './child.ts';
import { publish } from './publish.ts';
import type { RedisBinary } from './redis.ts';

const installHints: Readonly<Record<string, string>> = {
  apt: 'sudo apt-get install redis-server',
  dnf: 'sudo dnf install redis',
  darwin: 'brew install redis',
};

/** Packages of the distribution that hold a server, with the one that its executable may be a link into. */
const candidates = [
  { server: 'redis-server', tools: 'redis-tools' },
  { server: 'valkey-server', tools: 'valkey-tools' },
];

/** Downloads and unpacks the distribution's own package with the libraries it lacks; needs no root, installs nothing. */
export async function unpackRedisPackage(options: {
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}): Promise<RedisBinary> {
  const { cacheFolder, signal, onProgress } = options;
  const distribution = aptDistribution();
  const folder = join(cacheFolder, `redis-${distribution}-${process.arch}`);
  await publish(folder, async (draft) => {
    onProgress('downloading the Redis package of the distribution');
    mkdirSync(draft, { recursive: true, mode: 0o755 });
    try {
      await downloadAndUnpack(draft, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new Undetermined(
        `no Redis server was found on the PATH, and its package could not be downloaded: ${messageOf(error)}`,
        { hint: installHints.apt ?? '', cause: error },
      );
    }
  });
  return unpackedBinary(folder);
}

function aptDistribution(): string {
  if (process.platform === 'linux' && existsSync('/usr/bin/apt-get')) {
    const release = readFileSync('/etc/os-release', 'utf8');
    const field = (name: string) => release.match(new RegExp(`^${name}="?([^"\n]*)`, 'm'))?.[1] ?? 'unknown';
    return `${field('ID')}-${field('VERSION_ID')}`;
  }
  const system = process.platform === 'darwin' ? 'darwin' : 'dnf';
  throw new Undetermined(
    'the sandbox needs a Redis server, and there is no redis-server or valkey-server on the PATH',
    {
      hint: installHints[system] ?? '',
    },
  );
}

async function downloadAndUnpack(folder: string, signal: AbortSignal): Promise<void> {
  const run = (program: string, ...args: string[]) => output(program, args, folder, signal);
  let packages: string[];
  try {
    packages = await missingPackages(run);
    await run('apt-get', 'download', ...packages);
  } catch (error) {
    if (process.getuid?.() !== 0) throw error;
    // a fresh machine or container has no package lists, or old ones that name files that are gone
    await run('apt-get', 'update');
    packages = await missingPackages(run);
    await run('apt-get', 'download', ...packages);
  }
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg-deb', '--extract', join(folder, file), folder);
    rmSync(join(folder, file));
  }
  const { file, libraries } = unpackedBinary(folder);
  await output(file, ['--version'], folder, signal, { LD_LIBRARY_PATH: libraries });
}

/** The server and what it depends on that is not installed here, as the package manager resolves it. */
async function missingPackages(
  run: (program: string, ...args: string[]) => Promise<string>,
): Promise<string[]> {
  const failures: unknown[] = [];
  for (const { server, tools } of candidates) {
    try {
      const plan = await run('apt-get', 'install', '--simulate', '--yes', '--no-install-recommends', server);
      const missing = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name);
      return [...new Set([...missing, server, tools])];
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, messageOf(failures[0]));
}

function unpackedBinary(folder: string): RedisBinary {
  const [file] = candidates
    .map(({ server }) => join(folder, 'usr/bin', server))
    .filter((candidate) => existsSync(candidate));
  if (file === undefined) throw new Error(`the package holds no server in ${join(folder, 'usr/bin')}`);
  const libraryFolder = join(folder, 'usr/lib');
  const libraries = existsSync(libraryFolder)
    ? readdirSync(libraryFolder).map((triplet) => join(libraryFolder, triplet))
    : [];
  return { file, libraries: libraries.join(':') };
}

async function output(
  program: string,
  args: readonly string[],
  cwd: string,
  signal: AbortSignal,
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C', ...environment };
  const child = spawn(program, args, { cwd, env, signal, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const code = await exitCodeOf(child);
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}: ${stderr().slice(-500)}`);
  return stdout();
}
