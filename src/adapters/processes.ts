import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Life, RunProcess } from '../lifecycle/run-lock.ts';

/** A process as opposed to a pid, which the system gives to another process after its end. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
}

interface ProcessStat {
  readonly state: string;
  readonly parent: number;
  /** clock ticks of processor time, with those of ended children */
  readonly ticks: number;
  readonly startTime: string;
}

/** Undefined when there is no such process; a zombie counts as none. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = process.platform === 'linux' ? linuxStartTime(pid) : startTimeByPs(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return identify(pid)?.startTime === startTime;
}

/** For who looks from another process, host or container; undefined when there is no such process. */
export function runProcess(pid: number): RunProcess | undefined {
  const identity = identify(pid);
  return identity && { ...identity, host: host(), namespace: pidNamespace() };
}

export function lifeOf(process: RunProcess): Life {
  if (process.host !== host() || process.namespace !== pidNamespace()) return 'elsewhere';
  return isAlive(process) ? 'alive' : 'gone';
}

/** Machines of the same name are told apart by their id, where they have one (machine-id(5)). */
function host(): string {
  const machine = readProcFile('/etc/machine-id')?.trim() ?? '';
  return machine === '' ? hostname() : `${hostname()} ${machine}`;
}

function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // not Linux
    return null;
  }
}

export function sendSignal(target: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Resolves to whether the process is gone. */
export async function untilGone(
  target: ProcessIdentity,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  while (isAlive(target)) {
    if (performance.now() >= deadline || signal?.aborted) return false;
    await sleep(20);
  }
  return true;
}

/** Asks with each signal in turn, the last time with SIGKILL. */
export async function endProcess(
  target: ProcessIdentity,
  signals: readonly NodeJS.Signals[] = ['SIGTERM'],
  patience = 5_000,
): Promise<boolean> {
  for (const signal of signals) {
    sendSignal(target, signal);
    if (await untilGone(target, patience)) return true;
  }
  sendSignal(target, 'SIGKILL');
  return untilGone(target, patience);
}

/** /proc/<pid>/stat; undefined when the process is gone. */
export function processStat(pid: number): ProcessStat | undefined {
  const text = readProcFile(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // the second field, the name in parentheses, may itself hold blanks and parentheses
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '?', parent = '0'] = fields;
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { state, parent: Number(parent), ticks, startTime: fields[19] ?? '' };
}

export function childrenOf(pid: number): number[] {
  return parentsOfAll().flatMap(([child, parent]) => (parent === pid ? [child] : []));
}

/** A process and all that descend from it, parents before their children. */
export function processTree(root: number): number[] {
  const all = parentsOfAll();
  const tree = [root];
  for (const pid of tree) tree.push(...all.flatMap(([child, parent]) => (parent === pid ? [child] : [])));
  return tree;
}

function parentsOfAll(): (readonly [pid: number, parent: number])[] {
  if (process.platform !== 'linux') {
    const lines = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
    return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = processStat(Number(name));
      return stat === undefined ? [] : [[Number(name), stat.parent] as const];
    });
}

/** Ids of the others whose command line is wanted; it is told by its arguments, the program's name the first of them. */
export function findProcesses(isWanted: (args: readonly string[]) => boolean): number[] {
  if (process.platform !== 'linux') {
    return execFileSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([pid, ...args]) => Number(pid) !== process.pid && isWanted(args))
      .map(([pid]) => Number(pid));
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => isWanted((readProcFile(`/proc/${pid}/cmdline`) ?? '').split('\0')))
    .map(Number)
    .filter((pid) => identify(pid) !== undefined);
}

/** A file of a process in /proc; undefined when the process is gone. */
export function readProcFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

function linuxStartTime(pid: number): string | undefined {
  const stat = processStat(pid);
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  // ticks count from the boot, so after a reboot they may come again
  const boot = readProcFile('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return `${boot}:${stat.startTime}`;
}

function startTimeByPs(pid: number): string | undefined {
  try {
    const columns = ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)];
    const line = execFileSync('ps', columns, {
      encoding: 'utf8',
      env: { LC_ALL: 'C', PATH: process.env.PATH },
    });
    const [state = '', ...started] = line.trim().split(/\s+/);
    return state.startsWith('Z') ? undefined : started.join(' ');
  } catch (error) {
    if ((error as { status?: number }).status === 1) return undefined;
    throw error;
  }
}
