import { setTimeout as sleep } from 'node:timers/promises';
import type { Helpers } from '../../lifecycle/disturbance.ts';
import type { Driver, InstanceStats, Service, ServiceInstance } from '../../lifecycle/environment.ts';
import { Undetermined, UsageError } from '../../lifecycle/errors.ts';
import { type SandboxControl, sandboxControl } from '../../sandbox/control-client.ts';
import { readEnvironmentFile, writeEnvironmentFile } from '../../sandbox/environment-file.ts';
import { locateSandbox } from '../../sandbox/folder.ts';
import { readJobs, switchJobs } from '../../sandbox/job-switch.ts';
import { sandboxLogs } from '../../sandbox/logs.ts';
import { type ProcessUse, readProcessUse } from '../../sandbox/process-stats.ts';
import type { PartStatus } from '../../sandbox/supervised-process.ts';
import { noWorkers, sandboxDisturber, sandboxServices } from './disturber.ts';
import { sandboxSnapshot } from './snapshot.ts';
import { variableOf } from './variables.ts';

const answersWithin = 60_000;
/** of /proc/<pid>/stat; the kernel fixes it for user space */
const ticksPerSecond = 100;

export interface SandboxDriverOptions {
  readonly stateFolder: string;
  readonly helpers: Helpers;
}

/** The sandbox of a state folder, reached through its supervisor. Nothing is opened before the first call. */
export function sandboxDriver({ stateFolder, helpers }: SandboxDriverOptions): Driver {
  const control = sandboxControl(stateFolder);
  const files = () => locateSandbox(stateFolder);
  const parts = async (service?: Service, signal?: AbortSignal) => {
    const all = (await control.status(signal)).parts;
    return service === undefined ? all : all.filter((part) => part.service === service);
  };
  const isWorkerAlive = async () => (await parts('worker')).some(({ pid }) => pid !== undefined);
  const untilAnswering = (ids: readonly string[], signal: AbortSignal) => untilRunning(control, ids, signal);
  const restart = async (service: Service, signal: AbortSignal) => {
    requireService(service);
    await control.restart(service, signal);
    await untilAnswering(idsOf(await parts(service, signal)), signal);
  };

  return {
    kind: 'sandbox',
    instances: async () => (await parts()).map(toInstance),
    start: async (service, signal) => {
      requireService(service);
      await control.start(service, signal);
      await untilAnswering(idsOf(await parts(service, signal)), signal);
    },
    stop: async (service, signal) => {
      requireService(service);
      await control.stop(service, signal);
    },
    restart,
    restartInstance: async (id, signal) => {
      const part = (await parts(undefined, signal)).find((candidate) => candidate.id === id);
      if (part === undefined)
        throw new UsageError(`the sandbox has no instance "${id}"`, { hint: 'examctl sandbox status' });
      await control.restartInstance(id, signal);
      await untilAnswering([id], signal);
    },
    pause: async (service, signal) => {
      requireService(service);
      await control.pause(service, signal);
    },
    workers: async (service) => {
      requireWorkers(service);
      return (await parts(service)).flatMap(({ pid }) => pid ?? []);
    },
    killWorker: async (service, signal) => {
      requireWorkers(service);
      const victim = (await parts(service, signal)).findLast(({ pid }) => pid !== undefined);
      if (victim === undefined) throw new Undetermined(`no worker process of ${service} runs`);
      await control.kill(victim.id, signal);
    },
    disturber: sandboxDisturber({ stateFolder, helpers, parts }),
    snapshot: async (signal) =>
      sandboxSnapshot({ files: files(), parts: await parts(undefined, signal), helpers }),
    variable: async (service, name) => {
      requireService(service);
      return variableOf(await parts(service), service, name);
    },
    setVariable: async (service, name, value, signal) => {
      requireVariables(service, name, value);
      await control.status(signal);
      const { [name]: _, ...others } = readEnvironmentFile(files().backendEnvironment);
      writeEnvironmentFile(
        files().backendEnvironment,
        value === undefined ? others : { ...others, [name]: value },
      );
      await restart(service, signal);
    },
    logs: (service, options) => {
      requireService(service);
      return sandboxLogs(stateFolder, service, options);
    },
    stats: statsReader(parts),
    jobs: async () => readJobs(files(), await isWorkerAlive()),
    setJobsEnabled: (enabled, keys, signal) => switchJobs(files(), { enabled, keys }, isWorkerAlive, signal),
  };
}

function requireService(service: Service): void {
  if (sandboxServices.includes(service)) return;
  throw new UsageError(`the sandbox has no service "${service}"`, {
    hint: `it has: ${sandboxServices.join(', ')}`,
  });
}

function requireWorkers(service: Service): void {
  requireService(service);
  if (service !== 'backend') throw new UsageError(noWorkers(service));
}

function requireVariables(service: Service, name: string, value: string | undefined): void {
  requireService(service);
  if (service !== 'backend') {
    throw new UsageError(`the sandbox's ${service} has no env file, only its backend has`);
  }
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value?.includes('\n')) {
    throw new UsageError(`an env file cannot hold ${JSON.stringify(name)} with this value`, {
      hint: 'names are letters, digits and _, values are one line',
    });
  }
}

function idsOf(parts: readonly PartStatus[]): string[] {
  return parts.map(({ id }) => id);
}

async function untilRunning(
  control: SandboxControl,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + answersWithin;
  for (;;) {
    const { parts } = await control.status(signal);
    const open = parts.filter(({ id, state }) => ids.includes(id) && state !== 'running');
    if (open.length === 0) return;
    const stopped = open.find(({ state }) => state === 'stopped');
    // also when the caller's time is over: who does not answer, and why, says more than that
    if (stopped !== undefined || signal.aborted || performance.now() > deadline) {
      const reasons = open.map(({ id, state, detail }) => `${id} is ${state}${detail ? `: ${detail}` : ''}`);
      throw new Undetermined(`not all instances answer: ${reasons.join('; ')}`, {
        hint: `examctl sandbox logs ${open[0]?.id}`,
      });
    }
    await sleep(50);
  }
}

function toInstance(part: PartStatus): ServiceInstance {
  const { id, service, state, detail, pid, since, address, restarts } = part;
  return {
    id,
    service,
    state,
    restarts,
    ...(detail !== undefined && { detail }),
    ...(pid !== undefined && { pid }),
    ...(since !== undefined && { since: new Date(since) }),
    ...(address !== undefined && { address }),
  };
}

/** Keeps the last sample, as a share of processor time needs two. */
function statsReader(parts: () => Promise<readonly PartStatus[]>): () => Promise<InstanceStats[]> {
  const samples = new Map<number, ProcessUse & { at: number }>();
  return async () => {
    const now = performance.now();
    return (await parts()).map(({ id, service, pid }) => {
      const use = pid === undefined || process.platform !== 'linux' ? undefined : readProcessUse(pid);
      if (pid === undefined || use === undefined) return { id, service, cpu: null, memoryBytes: null };
      const before = samples.get(pid);
      samples.set(pid, { ...use, at: now });
      const cpu =
        before === undefined
          ? null
          : Math.max(0, use.ticks - before.ticks) / ticksPerSecond / ((now - before.at) / 1_000);
      return { id, service, cpu, memoryBytes: use.memoryBytes };
    });
  };
}
