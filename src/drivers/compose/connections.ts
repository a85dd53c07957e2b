import type { ContainerDetails, Containers } from '../../adapters/docker/containers.ts';
import { pidHere } from '../../adapters/docker/on-this-machine.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { ContainerInstance } from './instances.ts';

type Connected = 'database' | 'cache';

/** The way to the database or cache through the network of its container, with what the container was given to log in. */
export async function connectionUrlOf(
  service: Connected,
  instances: readonly ContainerInstance[],
  containers: Containers,
): Promise<string> {
  const instance = instances.find(({ container }) => container.State.Status === 'running');
  if (instance === undefined) {
    const states = instances.map(({ id, detail, state }) => `${id} is ${detail ?? state}`).join(', ');
    throw new Undetermined(`there is no way to the ${service}: ${states}`, {
      hint: `examctl services start ${service}`,
    });
  }
  const address = addressOf(service, instance);
  const secret = (name: string) => secretOf(name, instance, containers);
  return service === 'database'
    ? databaseUrl(address, secret)
    : cacheUrl(address, secret, instance.container);
}

const ports = { database: 5432, cache: 6379 } as const;

/** The address of another machine's container may be that of another container here, which must not see the password. */
function addressOf(service: Connected, { id, container }: ContainerInstance): string {
  const ip = Object.values(container.NetworkSettings.Networks).find(
    ({ IPAddress }) => IPAddress !== '',
  )?.IPAddress;
  if (ip !== undefined && pidHere(container) !== undefined) return `${ip}:${ports[service]}`;
  const why = ip === undefined ? 'it is on no network of its own' : 'its engine is on another machine';
  throw new Undetermined(`${id} cannot be reached through its container: ${why}`, {
    hint: `run examctl on the machine of the engine, or give ${service}.url in examctl.yaml, through a tunnel: ssh -nNT -L ${ports[service]}:ADDRESS:${ports[service]} HOST`,
  });
}

type ReadSecret = (name: string) => Promise<string | undefined>;

/** As the official images read them: NAME, or NAME_FILE with the path of a file inside. */
async function secretOf(
  name: string,
  { id, container }: ContainerInstance,
  containers: Containers,
): Promise<string | undefined> {
  const value = variableOf(container, name);
  const file = variableOf(container, `${name}_FILE`);
  if (value !== undefined || file === undefined) return value;
  const { exitCode, stdout, stderr } = await containers.exec(container.Id, ['cat', file]);
  if (exitCode === 0) return stdout.replace(/\r?\n$/, '');
  throw new Undetermined(`${file} of ${id}, which ${name}_FILE names, cannot be read: ${stderr.trim()}`);
}

function variableOf({ Config }: ContainerDetails, name: string): string | undefined {
  return Config.Env?.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
}

async function databaseUrl(address: string, secret: ReadSecret): Promise<string> {
  const user = (await secret('POSTGRES_USER')) || 'postgres';
  const database = (await secret('POSTGRES_DB')) || user;
  return `postgres://${login(user, await secret('POSTGRES_PASSWORD'))}${address}/${encodeURIComponent(database)}`;
}

async function cacheUrl(address: string, secret: ReadSecret, { Config }: ContainerDetails): Promise<string> {
  const command = [...(Config.Entrypoint ?? []), ...(Config.Cmd ?? [])].join(' ');
  const [, , given] = /--requirepass[ =]+(["']?)([^\s"']+)\1/.exec(command) ?? [];
  // a command line of sh has the variable's name
  const [, variable] = /^\$\{?(\w+)/.exec(given ?? '') ?? [];
  const password = variable === undefined ? given : await secret(variable);
  return `redis://${login('', password ?? (await secret('REDIS_PASSWORD')))}${address}`;
}

function login(user: string, password: string | undefined): string {
  if (password === undefined || password === '') return user === '' ? '' : `${encodeURIComponent(user)}@`;
  return `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
}
