import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { endProcess, findProcesses, identify, untilGone } from '../processes.ts';

export interface ComposeProject {
  /** undefined: what compose makes of the file and its folder */
  readonly project: string | undefined;
  /** of the processes that are started; names the engine */
  readonly env: () => NodeJS.ProcessEnv;
}

/** The compose command: it alone knows how a file becomes containers. Costs 0.1 to 0.8 s a call, so it only makes changes. */
export interface ComposeCli {
  /** "2.40.3", with the command it was found as */
  version(): Promise<{ readonly version: string; readonly command: readonly string[] }>;
  /**
   * Makes the service's containers anew, as the files say now, and starts them; others are left alone. It goes on when who
   * asked for it is gone, as half of it would be worse; who asks next waits until it has come to its end.
   */
  recreate(what: Recreated, sources: ComposeSources, signal: AbortSignal): Promise<void>;
}

export interface ComposeSources {
  /** compose files; of what two say, the later counts */
  readonly files: readonly string[];
  /** with the variables that are interpolated in them; of what two say, the later counts; need not be there */
  readonly envFiles: readonly string[];
}

/** What is made anew: the service, and as many containers as it has, which the files need not say. */
export interface Recreated {
  readonly service: string;
  /** asked when nobody else is making them anew any more */
  readonly count: () => Promise<number>;
}

const candidates: readonly (readonly string[])[] = [['docker', 'compose'], ['docker-compose']];

export function composeCli({ project, env }: ComposeProject): ComposeCli {
  let found: ReturnType<ComposeCli['version']> | undefined;
  const version = () => {
    found ??= findCompose(env());
    return found;
  };
  return {
    version,
    async recreate(what, sources, signal) {
      const { command } = await version();
      const [first = ''] = sources.files;
      const { service } = what;
      const isSame = ['up', '--force-recreate', service, first];
      await untilNobodyElse((args) => isSame.every((one) => args.includes(one)), signal);
      const count = await what.count();
      const isPlugin = command.length > 1;
      const { of, up } = recreateArguments({ service, count }, { ...sources, project, isPlugin });
      await run([...command, ...of, ...up], { cwd: dirname(first), env: env(), signal });
    },
  };
}

/** Scale, files, variables, project and images stay as they are: only what the files say anew becomes so. */
export function recreateArguments(
  { service, count }: { readonly service: string; readonly count: number },
  {
    files,
    envFiles,
    project,
    isPlugin,
  }: ComposeSources & { readonly project: string | undefined; readonly isPlugin: boolean },
): { readonly of: string[]; readonly up: string[] } {
  const [first = ''] = files;
  const usual = join(dirname(first), '.env');
  const isUsual = envFiles.length === 1 && envFiles[0] === usual;
  return {
    of: [
      ...files.flatMap((file) => ['--file', file]),
      // compose notes it at the container when it is given, also where it would have been read without
      ...(isUsual ? [] : envFiles.flatMap((file) => ['--env-file', file])),
      ...(project === undefined ? [] : ['--project-name', project]),
    ],
    up: [
      'up',
      '--detach',
      '--no-deps',
      '--no-build',
      '--force-recreate',
      // in an emergency nothing is fetched, nor another image than the one that runs deployed; v1 fetches none that is there
      ...(isPlugin ? ['--pull', 'never'] : []),
      ...(count > 1 ? ['--scale', `${service}=${count}`] : []),
      service,
    ],
  };
}

/** Milliseconds. A container may take long to end; one that hangs must leave time for what comes after it. */
const othersTakeAtMost = 40_000;
const finishesWithin = 10_000;

/** Two at once would each take away what the other one makes. */
async function untilNobodyElse(
  isSame: (args: readonly string[]) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (const pid of findProcesses(isSame)) {
    const other = identify(pid);
    const isGone = other === undefined || (await untilGone(other, othersTakeAtMost, signal));
    signal.throwIfAborted();
    if (!isGone) await endProcess(other);
  }
}

async function findCompose(env: NodeJS.ProcessEnv): ReturnType<ComposeCli['version']> {
  const { execa } = await import('execa');
  const problems: string[] = [];
  for (const command of candidates) {
    const [program = '', ...args] = command;
    const { stdout, failed, shortMessage } = await execa(program, [...args, 'version', '--short'], {
      env,
      extendEnv: false,
      reject: false,
      timeout: 15_000,
      stdin: 'ignore',
    });
    const version = /^v?(\d+\.\d+\.\d+\S*)$/m.exec(stdout)?.[1];
    if (!failed && version !== undefined) return { version, command };
    problems.push(shortMessage ?? `${command.join(' ')} says no version`);
  }
  throw new Undetermined(`there is no docker compose: ${problems.join('; ')}`, {
    hint: 'install its plugin (docs.docker.com/compose/install) or docker-compose: apt-get install docker-compose',
  });
}

interface RunOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * In a session of its own, so that neither Ctrl-C nor a closed terminal ends it in the middle, and with a file for what it
 * says, as one that writes to somebody who is gone is ended by that.
 */
async function run(
  [program = '', ...args]: readonly string[],
  { cwd, env, signal }: RunOptions,
): Promise<void> {
  signal.throwIfAborted();
  const said = temporaryFile();
  try {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', said, said] });
    const problem = await endOf(child, signal);
    signal.throwIfAborted();
    if (problem === undefined) return;
    // v2.26 clears the line before each one, also where there is no terminal
    const last = stripVTControlCharacters(textOf(said)).trim().split('\n').slice(-5).join('\n');
    throw new Undetermined(`${program} ${args.join(' ')} failed: ${last || problem}`);
  } finally {
    if (said !== 'ignore') closeSync(said);
  }
}

/** Undefined: it ended well. An order to abort lets it come to its end, if that does not take long. */
async function endOf(child: ChildProcess, signal: AbortSignal): Promise<string | undefined> {
  const abort = () => {
    const target = child.pid === undefined ? undefined : identify(child.pid);
    const end = async () => {
      if (target !== undefined && !(await untilGone(target, finishesWithin))) await endProcess(target);
    };
    end().catch(() => undefined);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) => resolve(messageOf(error)));
      child.once('exit', (code, by) => resolve(code === 0 ? undefined : `it ended with ${code ?? by}`));
    });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Without a name, so that nothing is left of it. A full disk hides what is said, and keeps nobody from a revert. */
function temporaryFile(): number | 'ignore' {
  try {
    const folder = mkdtempSync(join(tmpdir(), 'examctl-'));
    try {
      return openSync(join(folder, 'said'), 'w+', 0o600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  } catch {
    return 'ignore';
  }
}

/** From its beginning, wherever its last writer was. */
function textOf(file: number | 'ignore'): string {
  if (file === 'ignore') return '';
  const bytes = Buffer.alloc(fstatSync(file).size);
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
}
