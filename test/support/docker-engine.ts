import { spawn } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa, execaSync } from 'execa';
import { readJson, readText, writeJson } from '../../src/adapters/files.ts';
import { endProcess, identify, isAlive, type ProcessIdentity } from '../../src/adapters/processes.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface TestEngine {
  /** what every command needs to find it, and nothing of the caller's own engine */
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  /** the first two numbers of its addresses: "10.200"; compose takes its networks from 0.0 to 127.255 of it */
  readonly network: string;
  stop(): Promise<void>;
  /** ends the engine and, with it, what runs in its containers; both are there again, as they were to be, after `resume` */
  halt(): Promise<void>;
  resume(): Promise<void>;
}

/** Name of an image in which every program of this machine can be run, with /usr bound into it. */
export const hostImage = 'examctl-test/host:1';

/** Why no engine can be started here; null: it can. */
export function whyNoEngine(): string | null {
  if (process.platform !== 'linux') return 'a Docker engine runs on Linux only';
  if (process.getuid?.() !== 0) return 'to start a Docker engine takes root';
  return ['dockerd', 'docker'].every(isInstalled) ? null : 'there is no dockerd: apt-get install docker.io';
}

export interface ComposeProgram {
  readonly name: string;
  readonly command: readonly string[];
  /** null: it is there */
  readonly missing: string | null;
  /** what makes an engine's commands find this one, and no other */
  install(engine: TestEngine): void;
}

const plugins = [
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'examctl/cli-plugins'),
  '/usr/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
];

/** Both generations: v1 names and prints things in another way. */
export const composePrograms: readonly ComposeProgram[] = [
  {
    name: 'docker compose (v2)',
    command: ['docker', 'compose'],
    missing: pluginFile() === undefined ? 'there is no plugin: sh scripts/install-compose.sh' : null,
    install: ({ env }) => {
      const folder = join(env.DOCKER_CONFIG ?? '', 'cli-plugins');
      mkdirSync(folder, { recursive: true });
      symlinkSync(pluginFile() ?? '', join(folder, 'docker-compose'));
    },
  },
  {
    name: 'docker-compose (v1)',
    command: ['docker-compose'],
    missing: isInstalled('docker-compose') ? null : 'it is not installed: apt-get install docker-compose',
    install: () => {},
  },
];

function pluginFile(): string | undefined {
  return plugins.map((folder) => join(folder, 'docker-compose')).find((file) => existsSync(file));
}

export function isInstalled(program: string): boolean {
  return !execaSync('sh', ['-c', `command -v ${program}`], { reject: false }).failed;
}

/** An engine of its own, with its own data, that shares nothing with one that may run here already. */
export async function startEngine(): Promise<TestEngine> {
  const { folder, network } = await ownPlace();
  const socket = join(folder, 'd.sock');
  const pidFile = join(folder, 'pid');
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    DOCKER_HOST: `unix://${socket}`,
    DOCKER_CONFIG: join(folder, 'config'),
  };
  const arguments_ = [
    ['--data-root', join(folder, 'data')],
    ['--exec-root', join(folder, 'exec')],
    ['--host', `unix://${socket}`],
    ['--pidfile', pidFile],
    ['--ip', '127.0.0.1'],
    ['--bip', `${network}.255.1/24`],
    ['--default-address-pool', `base=${network}.0.0/17,size=24`],
    ['--iptables=false'],
    ['--shutdown-timeout', '5'],
    ['--log-level', 'error'],
  ].flat();
  let end = async () => {};
  const begin = async () => {
    const daemon = spawn('dockerd', arguments_, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    let said = '';
    daemon.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const ended = new Promise<void>((resolve) => daemon.once('exit', () => resolve()));
    end = async () => {
      daemon.kill('SIGTERM');
      await ended;
    };
    await answering(env, () => said, daemon);
  };
  const stop = async () => {
    await end();
    await closeNetwork(network);
    await removeFolder(folder);
  };
  try {
    await begin();
    await importHostImage(folder, env);
  } catch (error) {
    await stop();
    throw error;
  }
  return { env, folder, network, stop, halt: () => end(), resume: begin };
}

/** Engines that run at the same time; each has a network of its own. */
const places = 20;

/** A folder that no other engine has: short, as the path of a socket may have 107 characters. */
async function ownPlace(): Promise<{ folder: string; network: string }> {
  const parent = temporaryFolder();
  for (let place = 0; place < places; place += 1) {
    const folder = join(parent, `xd-${place}`);
    await removeAbandoned(folder);
    const network = `10.${200 + place}`;
    try {
      mkdirSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    writeJson(join(folder, owner), identify(process.pid));
    await closeNetwork(network);
    await mayForward('--insert', network);
    return { folder, network };
  }
  throw new Error(`there are ${places} engines of tests already: ls -d ${parent}/xd-*`);
}

/**
 * An engine that sets packet rules takes away those of another one as it starts, and leaves its own behind. So ours
 * sets none but this: that its containers reach each other on a machine that forwards nothing by default.
 */
async function mayForward(change: '--insert' | '--delete', network: string): Promise<boolean> {
  const own = `${network}.0.0/16`;
  const rule = ['--wait', change, 'FORWARD', '--source', own, '--destination', own, '--jump', 'ACCEPT'];
  return !(await execa('iptables', rule, { reject: false })).failed;
}

/** An engine that ends leaves its bridges, too: the next one with this network would have two ways to each address. */
async function closeNetwork(network: string): Promise<void> {
  while (await mayForward('--delete', network));
  await forgetTranslations(network);
  const { stdout } = await execa('ip', ['-4', '-oneline', 'address', 'show', 'type', 'bridge'], {
    reject: false,
  });
  const bridges = stdout.matchAll(/^\d+: (br-\S+) +inet (\S+)/gm);
  for (const [, bridge = '', address = ''] of bridges)
    if (address.startsWith(`${network}.`)) await execa('ip', ['link', 'delete', bridge], { reject: false });
}

/** What an engine with packet rules of its own has left for this network would give its containers another address. */
async function forgetTranslations(network: string): Promise<void> {
  const { stdout } = await execa('iptables', ['--table', 'nat', '--list-rules', 'POSTROUTING'], {
    reject: false,
  });
  for (const line of stdout.split('\n').filter((rule) => rule.includes(` ${network}.`)))
    await execa('iptables', ['--table', 'nat', '--wait', ...line.replace('-A', '--delete').split(' ')], {
      reject: false,
    });
}

const owner = 'owner.json';

/** A test run that was killed leaves its engine. */
async function removeAbandoned(folder: string): Promise<void> {
  const holder = readJson<ProcessIdentity>(join(folder, owner));
  if (holder === undefined || isAlive(holder)) return;
  const daemon = identify(Number(readText(join(folder, 'pid')) ?? 'none'));
  const command = daemon && readText(`/proc/${daemon.pid}/cmdline`);
  if (daemon !== undefined && command?.includes(folder)) await endProcess(daemon, ['SIGTERM'], 20_000);
  await removeFolder(folder);
}

/** An engine that had a container in the machine's network leaves that mounted, and a killed one more. */
async function removeFolder(folder: string): Promise<void> {
  const mounts = (readText('/proc/self/mountinfo') ?? '').split('\n').map((line) => line.split(' ')[4] ?? '');
  for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).reverse())
    await execa('umount', ['--lazy', mount], { reject: false });
  rmSync(folder, { recursive: true, force: true });
}

async function answering(
  env: NodeJS.ProcessEnv,
  said: () => string,
  daemon: { exitCode: number | null },
): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt += 1) {
    const { failed } = await execa('docker', ['version'], { env, extendEnv: false, reject: false });
    if (!failed) return;
    if (daemon.exitCode !== null) break;
    await sleep(100);
  }
  throw new Error(`dockerd does not answer: ${said()}`);
}

/** Without a registry: a skeleton of a root folder; each container has /usr of this machine bound into it. */
async function importHostImage(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const root = join(folder, 'root');
  for (const name of ['etc', 'proc', 'sys', 'dev', 'tmp', 'usr', 'var/lib', 'run', 'root', 'data'])
    mkdirSync(join(root, name), { recursive: true });
  for (const file of ['passwd', 'group', 'ld.so.cache', 'alternatives'])
    if (existsSync(`/etc/${file}`))
      cpSync(`/etc/${file}`, join(root, 'etc', file), { recursive: true, verbatimSymlinks: true });
  for (const name of ['bin', 'lib', 'lib64', 'sbin'])
    if (existsSync(`/${name}`) && lstatSync(`/${name}`).isSymbolicLink())
      cpSync(`/${name}`, join(root, name), { verbatimSymlinks: true });
  const tar = execa('tar', ['-C', root, '-c', '.'], { encoding: 'buffer', maxBuffer: 100_000_000 });
  await execa('docker', ['import', '-', hostImage], { env, extendEnv: false, input: (await tar).stdout });
}
