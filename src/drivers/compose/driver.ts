import { setTimeout as sleep } from 'node:timers/promises';
import type { ComposeCli } from '../../adapters/docker/compose-cli.ts';
import type { containerStats } from '../../adapters/docker/container-stats.ts';
import type { ContainerDetails, Containers } from '../../adapters/docker/containers.ts';
import { EngineError } from '../../adapters/docker/engine.ts';
import { setInEnvFile } from '../../adapters/env-file.ts';
import type { Driver, Service } from '../../lifecycle/environment.ts';
import { Undetermined, UsageError } from '../../lifecycle/errors.ts';
import { type ContainerInstance, instanceOf, labels, roleOf, type ServiceNames } from './instances.ts';
import { logsOf } from './logs.ts';

export interface ComposeDriverOptions {
  readonly containers: Containers;
  readonly stats: ReturnType<typeof containerStats>;
  readonly cli: ComposeCli;
  /** as compose calls it: the label of its containers */
  readonly project: () => Promise<string>;
  readonly services: ServiceNames;
  /** the file with a variable that the service is started with; undefined when that is not configured */
  readonly envFileOf: (service: Service, name: string) => string | undefined;
}

/** Milliseconds. The slowest health check of the platforms allows 30 s to start, and then looks every 15 s. */
const healthyWithin = 120_000;
const betweenLooks = 200;

/** An environment that Docker Compose runs: the engine is asked itself, as the command costs up to 0.8 s a call. */
export function composeDriver(options: ComposeDriverOptions): Driver {
  const { containers, stats, cli, services, envFileOf } = options;

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

  const of = async (service: Service, signal?: AbortSignal): Promise<ContainerInstance[]> => {
    const instances = await all(signal);
    const own = instances.filter((instance) => instance.service === service);
    if (own.length > 0) return own;
    const known = [...new Set(instances.map((instance) => instance.service))].join(', ');
    throw new UsageError(`the compose project ${await options.project()} has no container of ${service}`, {
      hint: `it has: ${known || 'none that is known'}; services.${service} in examctl.yaml names its service in the compose file`,
    });
  };

  /** Which containers they are may change meanwhile; what is asked for is that all of the service are well. */
  const untilWell = async (service: Service, signal: AbortSignal): Promise<void> => {
    const deadline = performance.now() + healthyWithin;
    for (;;) {
      const open = (await of(service, signal)).filter(({ state }) => state !== 'running');
      if (open.length === 0) return;
      const ended = open.some(({ state }) => state === 'stopped');
      if (ended || performance.now() > deadline) {
        const words = open.map(({ id, state, detail }) => `${id} is ${state}${detail ? ` (${detail})` : ''}`);
        throw new Undetermined(`${service} is not well: ${words.join('; ')}`, {
          hint: `docker logs ${open[0]?.container.Name.slice(1)}`,
        });
      }
      await sleep(betweenLooks, undefined, { signal });
    }
  };

  const start = async (service: Service, signal: AbortSignal): Promise<void> => {
    for (const { container } of await of(service, signal)) {
      if (container.State.Status === 'paused') await containers.unpause(container.Id, signal);
      else await containers.start(container.Id, signal);
    }
    await untilWell(service, signal);
  };

  const stop = async (service: Service, signal: AbortSignal): Promise<void> => {
    const instances = await of(service, signal);
    await Promise.all(instances.map(({ container }) => containers.stop(container.Id, signal)));
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
      const instances = await all(signal);
      const instance = instances.find((candidate) => candidate.id === id);
      if (instance === undefined) {
        throw new UsageError(`the compose project ${await options.project()} has no instance "${id}"`, {
          hint: `it has: ${instances.map((one) => one.id).join(', ')}`,
        });
      }
      // The restart policy leaves a container alone that the engine was told to kill.
      await containers.kill(instance.container.Id, 'SIGKILL', signal);
      await containers.start(instance.container.Id, signal);
      await untilWell(instance.service, signal);
    },
    async variable(service, name) {
      const [first] = await of(service);
      const line = first?.container.Config.Env?.find((entry) => entry.startsWith(`${name}=`));
      return line?.slice(name.length + 1);
    },
    async setVariable(service, name, value, signal) {
      const [first] = await of(service, signal);
      const file = envFileOf(service, name);
      if (file === undefined) throw noEnvFile(service, name);
      setInEnvFile(file, name, value);
      await cli.recreate(first?.container.Config.Labels?.[labels.service] ?? service, signal);
      await untilWell(service, signal);
    },
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
    jobs: async () => {
      throw jobsElsewhere(await options.project());
    },
    setJobsEnabled: async () => {
      throw jobsElsewhere(await options.project());
    },
  };
}

function noContainers(project: string): Undetermined {
  return new Undetermined(`the engine has no container of the compose project ${project}`, {
    hint: 'docker compose ls --all shows the projects; driver.project in examctl.yaml names one',
  });
}

function noEnvFile(service: Service, name: string): Undetermined {
  return new Undetermined(`which file sets ${name} of ${service} is not configured`, {
    hint: 'exam_mode.mechanisms in examctl.yaml: { env-file: FILE, variable: NAME, service: SERVICE }',
  });
}

/** No scheduler belongs to the platform: they are lines of the host's crontab. */
function jobsElsewhere(project: string): Undetermined {
  return new Undetermined(`the background jobs of ${project} cannot be seen: compose does not run them`, {
    hint: 'they are lines of a crontab on the host: crontab -l, /etc/cron.d',
  });
}

async function unlessGone(asked: Promise<ContainerDetails>): Promise<ContainerDetails | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return undefined;
    throw error;
  }
}
