import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerProcess, Containers } from '../../adapters/docker/containers.ts';
import { EngineError } from '../../adapters/docker/engine.ts';
import { pidHere } from '../../adapters/docker/on-this-machine.ts';
import { endProcess, identify } from '../../adapters/processes.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { ContainerInstance } from './instances.ts';

/** Of Python's multiprocessing, which starts the workers of uvicorn: it serves nobody. */
const bookkeeper = 'multiprocessing.resource_tracker';

/**
 * The processes that do a container's work: the children of its first process, which watches over them; of its only
 * child where the first one is an init or a shell; the first one itself where it has none. What is executed in the
 * container (health checks, `docker exec`) has another parent.
 */
export function workersOf(processes: readonly ContainerProcess[], first: number): ContainerProcess[] {
  const childrenOf = (parent: number) =>
    processes.filter((process) => process.parent === parent && !process.command.includes(bookkeeper));
  const children = childrenOf(first);
  const [only] = children;
  if (only === undefined) return processes.filter(({ pid }) => pid === first);
  return children.length === 1 && childrenOf(only.pid).length > 0 ? workersOf(processes, only.pid) : children;
}

/** As the machine of the engine knows them. */
export async function workerPids(
  containers: Containers,
  instances: readonly ContainerInstance[],
): Promise<number[]> {
  const pids = await Promise.all(
    instances.filter(isAlive).map(async ({ container: { Id, State } }) => {
      const processes = await unlessEnded(containers.processes(Id));
      return workersOf(processes, State.Pid).map(({ pid }) => pid);
    }),
  );
  return pids.flat();
}

/** It ran a moment ago. */
async function unlessEnded(asked: Promise<ContainerProcess[]>): Promise<ContainerProcess[]> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof EngineError && [404, 409].includes(error.status)) return [];
    throw error;
  }
}

/** Resolves when it is gone. */
export async function killOneWorker(
  containers: Containers,
  instances: readonly ContainerInstance[],
  signal: AbortSignal,
): Promise<void> {
  const instance = instances.find(isAlive);
  if (instance === undefined) {
    throw new Undetermined(
      `no worker can be ended: ${instances.map(({ id }) => id).join(', ')} does not run`,
    );
  }
  const { Id, State } = instance.container;
  const [worker] = workersOf(await containers.processes(Id, signal), State.Pid);
  if (worker !== undefined && (await isKilledHere(worker, instance))) return;
  const isFirst = worker === undefined || worker.pid === State.Pid;
  return isFirst ? killFirst(containers, instance, signal) : killInside(containers, instance, signal);
}

function isAlive({ container: { State } }: ContainerInstance): boolean {
  return State.Status === 'running';
}

/** False: its engine is on another machine, or its processes are another account's. */
async function isKilledHere({ pid }: ContainerProcess, { id, container }: ContainerInstance) {
  const { Id, State, HostConfig } = container;
  const isFirst = pid === State.Pid;
  if (isFirst && !isWatched(HostConfig.RestartPolicy.Name)) return false;
  const target = identify(pid);
  if (target === undefined || pidHere({ Id, State: { ...State, Pid: pid } }) === undefined) return false;
  try {
    if (await endProcess(target, ['SIGKILL'])) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return false;
    throw error;
  }
  throw new Undetermined(`process ${pid} of ${id} is still there after SIGKILL`, {
    hint: `it waits for a device or a file system? ps -o pid,stat,wchan:30,args -p ${pid}`,
  });
}

function isWatched(restartPolicy: string): boolean {
  return restartPolicy !== '' && restartPolicy !== 'no';
}

/** The restart policy leaves a container alone that the engine was told to kill, so it is started here. */
async function killFirst(containers: Containers, { container }: ContainerInstance, signal: AbortSignal) {
  await containers.kill(container.Id, 'SIGKILL', signal);
  await containers.start(container.Id, signal);
}

/** Lines in twos for each process: /proc/PID/stat, and its command, with nothing but the shell. */
const listProcesses =
  'for p in /proc/[0-9]*; do read -r s <$p/stat || continue; c=; read -r c <$p/cmdline; echo "$s"; echo "$c"; done 2>/dev/null';

async function killInside(
  containers: Containers,
  { id, container: { Id } }: ContainerInstance,
  signal: AbortSignal,
): Promise<void> {
  const list = async () =>
    processesFrom((await containers.exec(Id, ['sh', '-c', listProcesses], { signal })).stdout);
  const [worker] = workersOf(await list(), 1);
  if (worker === undefined) throw new Undetermined(`the processes of ${id} cannot be seen from inside`);
  const kill = ['sh', '-c', 'kill -9 "$1"', 'sh', String(worker.pid)];
  const { exitCode, stderr } = await containers.exec(Id, kill, { signal });
  if (exitCode !== 0)
    throw new Undetermined(`a worker process of ${id} cannot be ended: ${stderr.trim()}`, {
      hint: 'run examctl on the machine of the engine, as root',
    });
  while ((await list()).some(({ pid }) => pid === worker.pid)) await sleep(50, undefined, { signal });
}

/** A dead process of which nobody has taken notice yet is none. */
export function processesFrom(text: string): ContainerProcess[] {
  const lines = text.split('\n');
  const processes: ContainerProcess[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [stat = '', command = ''] = [lines[at], lines[at + 1]];
    // the second field, the name in parentheses, may itself hold blanks and parentheses
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state !== 'Z') processes.push({ pid: Number.parseInt(stat, 10), parent: Number(parent), command });
  }
  return processes;
}
