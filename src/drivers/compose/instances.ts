import type { ContainerDetails } from '../../adapters/docker/containers.ts';
import type { Service, ServiceInstance } from '../../lifecycle/environment.ts';

/** The labels that compose gives its containers, v1 and v2 alike; their names differ. */
export const labels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  /** "True" for the containers of `compose run` */
  oneOff: 'com.docker.compose.oneoff',
  /** paths, with commas, relative to the folder */
  files: 'com.docker.compose.project.config_files',
  folder: 'com.docker.compose.project.working_dir',
  /** only where --env-file was given */
  envFile: 'com.docker.compose.project.environment_file',
} as const;

/** Names that compose files give to the roles. */
const usualNames: Readonly<Record<Service, readonly string[]>> = {
  backend: ['backend', 'api', 'web'],
  frontend: ['frontend', 'ui'],
  database: ['database', 'postgres', 'postgresql', 'db'],
  cache: ['cache', 'redis', 'valkey'],
  edge: ['edge', 'traefik', 'caddy', 'haproxy', 'nginx', 'proxy'],
  worker: ['worker', 'jobs', 'scheduler'],
};

/** What the compose file calls the roles; those that are not given go by their usual names. */
export type ServiceNames = Readonly<Partial<Record<Service, string>>>;

/** undefined: a service that plays none of the roles */
export function roleOf(name: string, names: ServiceNames): Service | undefined {
  const roles = Object.keys(usualNames) as Service[];
  return (
    roles.find((role) => names[role] === name) ??
    roles.find((role) => names[role] === undefined && usualNames[role].includes(name))
  );
}

export interface ContainerInstance extends ServiceInstance {
  readonly container: ContainerDetails;
}

/** As the compose file calls it. */
export function serviceName({ service, container }: ContainerInstance): string {
  return container.Config.Labels?.[labels.service] ?? service;
}

export function instanceOf(service: Service, container: ContainerDetails): ContainerInstance {
  const { State, RestartCount, Config } = container;
  const number = Config.Labels?.[labels.number] ?? '1';
  const detail = detailOf(container);
  const address = addressOf(container);
  const running = State.Status === 'running' || State.Status === 'paused';
  return {
    service,
    id: `${service}-${number}`,
    state: stateOf(container),
    restarts: RestartCount,
    ...(detail === undefined ? {} : { detail }),
    ...(running ? { pid: State.Pid, since: new Date(State.StartedAt) } : {}),
    ...(address === undefined ? {} : { address }),
    container,
  };
}

function stateOf({ State: { Status, Health } }: ContainerDetails): ServiceInstance['state'] {
  switch (Status) {
    case 'running':
      if (Health === undefined || Health.Status === 'none' || Health.Status === 'healthy') return 'running';
      return Health.Status === 'starting' ? 'starting' : 'unhealthy';
    // It is there and answers nobody.
    case 'paused':
      return 'unhealthy';
    case 'restarting':
      return 'starting';
    default:
      return 'stopped';
  }
}

function detailOf({ State }: ContainerDetails): string | undefined {
  const { Status, Health, ExitCode, OOMKilled, FinishedAt, Error: problem } = State;
  if (Status === 'running') {
    if (Health === undefined) return 'it has no health check';
    const said = Health.Log?.at(-1)?.Output.trim().split('\n').at(-1);
    return Health.Status === 'healthy' || !said ? undefined : `${Health.Status}: ${said.slice(0, 200)}`;
  }
  if (Status !== 'exited' && Status !== 'dead') return problem === '' ? Status : `${Status}: ${problem}`;
  const why = OOMKilled ? ', out of memory' : problem === '' ? '' : `: ${problem}`;
  return `ended with ${ExitCode} at ${FinishedAt.slice(0, 19)}Z${why}`;
}

/** On the network of the project, which a host with the engine reaches; undefined when the image does not name a port. */
function addressOf({ Config, NetworkSettings, State }: ContainerDetails): string | undefined {
  // "8000/tcp", and "8000" as v2 writes what a compose file exposes
  const ports = Object.keys(Config.ExposedPorts ?? {}).filter((port) => !/\/(udp|sctp)$/.test(port));
  const ip = Object.values(NetworkSettings.Networks).find(({ IPAddress }) => IPAddress !== '')?.IPAddress;
  const [port] = ports;
  if (State.Status !== 'running' || ip === undefined || port === undefined || ports.length > 1)
    return undefined;
  return `http://${ip}:${Number.parseInt(port, 10)}`;
}
