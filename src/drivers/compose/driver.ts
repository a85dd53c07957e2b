import { setTimeout as sleep } from 'node:timers/promises';
import type { ComposeCli } from '../../adapters/docker/compose-cli.ts';
import { serviceNames } from '../../adapters/docker/compose-file.ts';
import type { containerStats } from '../../adapters/docker/container-stats.ts';
import type { ContainerDetails, Containers } from '../../adapters/docker/containers.ts';
import { EngineError } from '../../adapters/docker/engine.ts';
import type { Images } from '../../adapters/docker/images.ts';
import { readFromEnvFile, setInEnvFile } from '../../adapters/env-file.ts';
import type { Helpers } from '../../lifecycle/disturbance.ts';
import type { Driver, Service } from '../../lifecycle/environment.ts';
import { Undetermined, UsageError } from '../../lifecycle/errors.ts';
import { composeCommands } from './commands.ts';
import { connectionUrlOf } from './connections.ts';
import { composeDisturber } from './disturber.ts';
import { composeImages } from './images.ts';
import {
  type ContainerInstance,
  instanceOf,
  labels,
  roleOf,
  type ServiceNames,
  serviceName,
} from './instances.ts';
import { jobsOfWorker, notSwitchable } from './jobs.ts';
import { logsOf } from './logs.ts';
import { composeSnapshot } from './snapshot.ts';
import { digestOf, sourcesOf } from './sources.ts';
import { killOneWorker, workerPids } from './workers.ts';

export interface ComposeDriverOptions {
  readonly containers: Containers;
  readonly stats: ReturnType<typeof containerStats>;
  readonly cli: ComposeCli;
  readonly images: Images;
  /** the compose file */
  readonly file: string;
  /** variables of the process, which compose prefers to those of its file */
  readonly env: NodeJS.ProcessEnv;
  /** as compose calls it: the label of its containers */
  readonly project: () => Promise<string>;
  readonly services: ServiceNames;
  /** the file with a variable that the service is started with; undefined when that is not configured */
  readonly envFileOf: (service: Service, name: string) => string | undefined;
  /** all that examctl may write */
  readonly envFiles: readonly string[];
  readonly helpers: Helpers;
  /** keys of the platform's background jobs */
  readonly jobKeys?: readonly string[];
}

/** Milliseconds. The slowest health check of the platforms allows 30 s to start, and then looks every 15 s. */
const healthyWithin = 120_000;
const betweenLooks = 200;

/** An environment that Docker Compose runs: the engine is asked itself, as the command costs up to 0.8 s a call. */
export function composeDriver(options: ComposeDriverOptions): Driver {
  const {
    containers,
    stats,
    cli,
    images,
    file,
    env,
    services,
    envFileOf,
    envFiles,
    helpers,
    jobKeys = [],
  } = options;

  const all = async (signal?: AbortSignal): Promise<ContainerInstance[]> => {
    const project = await options.project();
    const found = await containers.list([`${labels.project}=${project}`], signal);
    const ofServices = found.filter(({ Labels }) => Labels[labels.oneOff]?.toLowerCase() !== 'true');
    if (ofServices.length === 0) throw noContainers(project);
    const looked = await Promise.all(
      ofServices.map(async ({ Id, Labels }) => {
        const service = roleOf(Labels[labels.service] ?? '', services);
        const container = service && (await unlessGone(containers.inspect(Id, signal)));
        return service === undefined || container === undefined ? [] : [instanceOf(service, container)];
      }),
    );
    return looked.flat().sort((a, b) => (a.id < b.id ? -1 : 1));
  };

  const noSuchService = async (service: Service, instances: readonly ContainerInstance[]) => {
    const known = [...new Set(instances.map((instance) => instance.service))].join(', ');
    return new UsageError(`the compose project ${await options.project()} has no container of ${service}`, {
      hint: `it has: ${known || 'none that is known'}; services.${service} in examctl.yaml names its service in the compose file; where its container was removed: docker compose up --detach ${services[service] ?? service}`,
    });
  };

  const of = async (service: Service, signal?: AbortSignal): Promise<ContainerInstance[]> => {
    const instances = await all(signal);
    const own = instances.filter((instance) => instance.service === service);
    if (own.length > 0) return own;
    throw await noSuchService(service, instances);
  };

  /** Which containers they are may change meanwhile; what is asked for is that all of them are well. */
  const untilWell = async (
    look: () => Promise<ContainerInstance[]>,
    signal: AbortSignal,
    isHopeless: (instance: ContainerInstance) => boolean = () => false,
  ): Promise<void> => {
    const deadline = performance.now() + healthyWithin;
    for (;;) {
      const open = (await look()).filter(({ state }) => state !== 'running');
      if (open.length === 0) return;
      const ended = open.some((one) => one.state === 'stopped' || isHopeless(one));
      if (ended || performance.now() > deadline) throw notWell(open);
      await sleep(betweenLooks, undefined, { signal });
    }
  };

  /** Also of a service whose container went away when it was to be made anew. */
  const nameOf = async (service: Service, instances: readonly ContainerInstance[]): Promise<string> => {
    const own = instances.find((instance) => instance.service === service);
    if (own !== undefined) return serviceName(own);
    const known = (await serviceNames(file)).find((name) => roleOf(name, services) === service);
    if (known !== undefined) return known;
    throw await noSuchService(service, instances);
  };

  /** As the files say now. A container that was made anew has not been well before: what is wrong with it stays wrong. */
  const recreate = async (service: Service, signal: AbortSignal): Promise<void> => {
    const instances = await all(signal);
    const noted = instances.find((instance) => instance.service === service) ?? instances[0];
    // while one is made anew, the old and the new one have the same number
    const idsOf = (some: readonly ContainerInstance[]) => new Set(some.map(({ id }) => id));
    let count = 0;
    const counted = async () => {
      count = idsOf((await all(signal)).filter((instance) => instance.service === service)).size;
      return count;
    };
    const name = await nameOf(service, instances);
    await cli.recreate({ service: name, count: counted }, sourcesOf(noted, file), signal);
    await untilWell(
      () => of(service, signal),
      signal,
      ({ state, restarts = 0 }) => state === 'unhealthy' || restarts >= 3,
    );
    const now = await of(service, signal);
    if (now.length < count)
      throw new Undetermined(
        `${service} has ${now.length} of its ${count} containers since it was made anew`,
      );
  };

  const startContainer = async (
    { container: { Id, State, Config } }: ContainerInstance,
    signal: AbortSignal,
  ): Promise<void> => {
    if (State.Status === 'paused') return containers.unpause(Id, signal);
    if (State.Status === 'running')
      await containers.untilEnded(Id, ((Config.StopTimeout ?? 10) + 2) * 1_000, signal);
    await containers.start(Id, signal);
  };

  /** None is started after one that has gone: what is left is for the message to say. */
  const start = async (service: Service, signal: AbortSignal): Promise<void> => {
    for (const instance of await of(service, signal))
      await unlessVanished(instance, startContainer(instance, signal));
    await untilWell(() => of(service, signal), signal);
  };

  const toAll = async (
    service: Service,
    signal: AbortSignal,
    change: (id: string, signal: AbortSignal) => Promise<void>,
  ): Promise<void> => {
    const instances = await of(service, signal);
    await Promise.all(
      instances.map((instance) => unlessVanished(instance, change(instance.container.Id, signal))),
    );
  };
  const stop = (service: Service, signal: AbortSignal) => toAll(service, signal, containers.stop);

  const named = async (id: string, signal: AbortSignal): Promise<ContainerInstance> => {
    const instances = await all(signal);
    const instance = instances.find((candidate) => candidate.id === id);
    if (instance !== undefined) return instance;
    throw new UsageError(`the compose project ${await options.project()} has no instance "${id}"`, {
      hint: `it has: ${instances.map((one) => one.id).join(', ')}`,
    });
  };

  return {
    kind: 'compose',
    instances: async () => (await all()).map(({ container: _, ...instance }) => instance),
    start,
    stop,
    async restart(service, signal) {
      await stop(service, signal);
      await start(service, signal);
    },
    async restartInstance(id, signal) {
      const instance = await named(id, signal);
      await unlessVanished(instance, containers.stop(instance.container.Id, signal));
      await unlessVanished(instance, containers.start(instance.container.Id, signal));
      await untilWell(async () => [await named(id, signal)], signal);
    },
    pause: (service, signal) => toAll(service, signal, containers.pause),
    workers: async (service) => workerPids(containers, await of(service)),
    killWorker: async (service, signal) => killOneWorker(containers, await of(service, signal), signal),
    disturber: composeDisturber({ instances: all, helpers }),
    commands: async (actions) => composeCommands(actions, await all()),
    snapshot: async (signal) => composeSnapshot({ instances: await all(signal), files: envFiles, signal }),
    async variable(service, name) {
      const [first] = await of(service);
      const line = first?.container.Config.Env?.find((entry) => entry.startsWith(`${name}=`));
      return line?.slice(name.length + 1);
    },
    writtenVariable(service, name) {
      const written = envFileOf(service, name);
      if (written === undefined) throw noEnvFile(service, name);
      return { file: written, text: readFromEnvFile(written, name) };
    },
    async setVariable(service, name, value, signal) {
      const written = envFileOf(service, name);
      if (written === undefined) throw noEnvFile(service, name);
      setInEnvFile(written, name, value);
      await recreate(service, signal);
    },
    images: composeImages({
      images,
      of,
      sourcesOf: (instance) => sourcesOf(instance, file),
      env,
      nameOf: async (service) => nameOf(service, await all()),
      recreate,
    }),
    revision: async () => {
      const sources = (await all()).map((instance) => sourcesOf(instance, file));
      return digestOf([
        file,
        ...envFiles,
        ...sources.flatMap(({ files, envFiles: noted }) => [...files, ...noted]),
      ]);
    },
    connectionUrl: async (service) => connectionUrlOf(service, await of(service), containers),
    logs: (service, how) => logsOf(containers, () => of(service, how.signal), how),
    async stats() {
      const instances = await all();
      return Promise.all(
        instances.map(async ({ id, service, state, container }) => {
          const use = state === 'stopped' ? null : await stats.of(container.Id);
          return { id, service, cpu: use?.cpu ?? null, memoryBytes: use?.memoryBytes ?? null };
        }),
      );
    },
    async jobs() {
      // a service that is only called so may do anything
      const worker = services.worker === undefined ? [] : (await all()).filter(isWorker);
      return jobsOfWorker(worker, { keys: jobKeys, project: await options.project() });
    },
    setJobsEnabled: async (_, keys) => {
      throw notSwitchable(keys, await options.project());
    },
  };
}

function noContainers(project: string): Undetermined {
  return new Undetermined(`the engine has no container of the compose project ${project}`, {
    hint: 'docker compose ls --all shows the projects; driver.project in examctl.yaml names one',
  });
}

function notWell(open: readonly ContainerInstance[]): Undetermined {
  const words = open.map(({ id, state, detail }) => `${id} is ${state}${detail ? ` (${detail})` : ''}`);
  return new Undetermined(`not all instances are well: ${words.join('; ')}`, {
    hint: `docker logs ${open.map(({ container }) => container.Name.slice(1))[0]}`,
  });
}

/** Somebody else may take a container away, or make it anew, at any time. */
async function unlessVanished({ id, container }: ContainerInstance, change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!(error instanceof EngineError) || error.status !== 404) throw error;
    const name = container.Name.slice(1);
    throw new Undetermined(`${id} has vanished: the engine had its container ${name} a moment ago`, {
      hint: `somebody else is at work on it? docker ps --all --filter name=${name}; docker events --since 10m --filter container=${name}`,
      cause: error,
    });
  }
}

function noEnvFile(service: Service, name: string): Undetermined {
  return new Undetermined(`which file sets ${name} of ${service} is not configured`, {
    hint: 'exam_mode.mechanisms in examctl.yaml: { env-file: FILE, variable: NAME, service: SERVICE }',
  });
}

function isWorker({ service }: ContainerInstance): boolean {
  return service === 'worker';
}

async function unlessGone(asked: Promise<ContainerDetails>): Promise<ContainerDetails | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return undefined;
    throw error;
  }
}
