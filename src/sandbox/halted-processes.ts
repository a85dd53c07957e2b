import {
  identify,
  isAlive,
  type ProcessIdentity,
  processStat,
  processTree,
  sendSignal,
} from '../adapters/processes.ts';

const looksForHalt = 50;

/** Stops a process and all that it started, until they are let go on. */
export function haltTree(root: number): readonly ProcessIdentity[] {
  const halted = new Map<number, ProcessIdentity>();
  // again until there is none left: one may have been started while its parent was about to be stopped
  for (;;) {
    const running = identified(processTree(root)).filter(({ pid }) => !halted.has(pid));
    if (running.length === 0) return [...halted.values()];
    for (const target of running) {
      sendSignal(target, 'SIGSTOP');
      untilHalted(target.pid);
      halted.set(target.pid, target);
    }
  }
}

/** What runs, goes on all the same. */
export function letGoOn(processes: readonly ProcessIdentity[]): void {
  for (const target of processes) sendSignal(target, 'SIGCONT');
}

export function letTreeGoOn(root: ProcessIdentity): void {
  if (isAlive(root)) letGoOn([root, ...identified(processTree(root.pid).slice(1))]);
}

function identified(pids: readonly number[]): ProcessIdentity[] {
  return pids.flatMap((pid) => identify(pid) ?? []);
}

/** Not asynchronous: between two looks nobody else may start or end it. One that waits for a disk stops when that answers. */
function untilHalted(pid: number): void {
  if (process.platform !== 'linux') return;
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  for (let look = 0; look < looksForHalt; look += 1) {
    const state = processStat(pid)?.state;
    if (state === undefined || 'TtZX'.includes(state)) return;
    Atomics.wait(nobody, 0, 0, 1);
  }
}
