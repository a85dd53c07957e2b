import { spawn } from 'node:child_process';
import type { HelperStart, Helpers } from '../lifecycle/disturbance.ts';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';
import { endProcess, findProcesses, identify } from './processes.ts';

export interface HelperProcessesOptions {
  /** node, its flags and the script of examctl */
  readonly program: readonly string[];
  /** flags with which a helper finds the same environment: --state, --config, --env */
  readonly flags: readonly string[];
  /** tells the helpers of one environment from those of another on the same machine */
  readonly scope: string;
}

const readyWithin = 15_000;
/** milliseconds until SIGTERM is followed by SIGKILL */
const mildFor = 1_500;

/**
 * Helpers are found by the mark in their command line, so whoever looks for them needs nothing that the one who started
 * them knew, and a crash between starting one and writing that down loses nothing.
 */
export function helperProcesses({ program, flags, scope }: HelperProcessesOptions): Helpers {
  const full = (mark: string) => `${scope}/${mark}`;
  const find = (mark?: string) =>
    mark === undefined
      ? processesMarked((found) => found.startsWith(full('')))
      : processesMarked((found) => found === full(mark));
  return {
    find,
    async start(helper, signal) {
      if (find(helper.mark).length > 0) return;
      signal.throwIfAborted();
      const options = Object.entries(helper.options).flatMap(([name, value]) => [
        '--option',
        `${name}=${value}`,
      ]);
      const life = ['--life', String(helper.lifeSeconds)];
      const own = [
        'internal',
        'helper',
        ...flags,
        '--name',
        helper.name,
        '--mark',
        full(helper.mark),
        ...life,
      ];
      const command = [...namespaceOf(helper), ...program, ...own, ...options];
      await untilReady(command, helper.name, signal);
    },
    async end(mark) {
      for (const pid of find(mark)) {
        const target = identify(pid);
        // it keeps nothing that has to be tidied up, but may let exchanges come to their end
        if (target !== undefined) await endProcess(target, ['SIGTERM'], mildFor);
      }
    },
  };
}

function namespaceOf({ networkOf }: HelperStart): string[] {
  return networkOf === undefined ? [] : ['nsenter', '--target', String(networkOf), '--net', '--'];
}

async function untilReady([program = '', ...args]: readonly string[], name: string, signal: AbortSignal) {
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  try {
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`not ready in ${readyWithin / 1_000} s`)), readyWithin);
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      const settle = (action: () => void) => {
        clearTimeout(limit);
        signal.removeEventListener('abort', onAbort);
        action();
      };
      child.stderr.on('data', (chunk) => {
        said = `${said}${chunk}`.slice(-2_000);
      });
      child.stdout.once('data', () => settle(resolve));
      child.once('error', (error) => settle(() => reject(error)));
      child.once('exit', (code) => settle(() => reject(new Error(`it ended with ${code}: ${said.trim()}`))));
    });
  } catch (error) {
    child.kill('SIGKILL');
    signal.throwIfAborted();
    throw new Undetermined(`the helper ${name} could not be started: ${messageOf(error)}`, { cause: error });
  } finally {
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  }
}

function processesMarked(isWanted: (mark: string) => boolean): number[] {
  return findProcesses((args) => {
    const position = args.indexOf('--mark');
    return position !== -1 && args.includes('helper') && isWanted(args[position + 1] ?? '');
  });
}
