import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { postgresArguments } from '../../../src/sandbox/postgres.ts';
import { hostImage } from '../docker-engine.ts';
import type { Place } from './place.ts';
import { addressOf, ports, type Role, stackServices } from './services.ts';

const node = process.execPath;

/** For docker-compose 1.29 and for version 2. */
export function writeComposeFile(place: Place): string {
  const { folder } = place;
  for (const [role, script] of Object.entries(healthChecks))
    writeFileSync(join(folder, `${role}.health`), script);
  const file = join(folder, 'compose.yml');
  writeFileSync(file, stringify(composeFile(place)));
  return file;
}

/** By nothing but bash: a Node.js every other second in each container would be felt on a small machine. */
const healthChecks: Readonly<Record<Role, string>> = {
  // as pg_isready: the server asks for a password when it accepts connections, else it says why not
  database: `exec 3<>/dev/tcp/127.0.0.1/${ports.database} || exit 1
printf '\\0\\0\\0\\x2f\\0\\3\\0\\0user\\0exam_user\\0database\\0exam_platform\\0\\0' >&3
[ "$(head -c 1 <&3)" = R ]
`,
  cache: `exec 3<>/dev/tcp/127.0.0.1/${ports.cache} || exit 1
printf 'AUTH %s\\r\\nPING\\r\\n' "$(sed -n 's/^requirepass //p' /data/redis.conf)" >&3
read -r _ <&3 && read -r answer <&3 && [ "$answer" = $'+PONG\\r' ]
`,
  backend: `exec 3<>/dev/tcp/127.0.0.1/${ports.backend} || exit 1
printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3
read -r answer <&3 && [[ $answer == *' 200 '* ]]
`,
  // any answer proves it: 502 only tells that there is no backend behind it
  edge: `exec 3<>/dev/tcp/127.0.0.1/${ports.edge} || exit 1
printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3
read -r answer <&3 && [[ $answer == HTTP/* ]]
`,
  // it listens on nothing: an open connection to the database is what it works with
  worker: `grep -q ':${ports.database.toString(16).toUpperCase()} 01 ' /proc/net/tcp
`,
};

function composeFile(place: Place): object {
  const { folder, account, postgres, redis, net, cacheFolder } = place;
  const user = `${account.uid}:${account.gid}`;
  return {
    // the last format in which v1 knows both conditions of depends_on and mem_limit
    version: '2.4',
    services: {
      [stackServices.database]: {
        ...service('database', place, [`${folder}/postgres:/data`, `${postgres}:/postgres:ro`]),
        user,
        command: ['/postgres/bin/postgres', ...postgresArguments('/data', ports.database, '*')],
        stop_signal: 'SIGINT',
        shm_size: '256m',
        expose: [String(ports.database)],
      },
      [stackServices.cache]: {
        ...service('cache', place, [`${folder}/redis:/data`, `${cacheFolder}:${cacheFolder}:ro`]),
        ...(redis.libraries === undefined ? {} : { environment: { LD_LIBRARY_PATH: redis.libraries } }),
        user,
        command: [redis.file, '/data/redis.conf'],
        mem_limit: '512m',
        expose: [String(ports.cache)],
      },
      [stackServices.backend]: {
        ...ownService('backend', place, 'sandbox-backend-workers'),
        env_file: ['.env'],
        tmpfs: ['/scratch:size=16m'],
        expose: [String(ports.backend)],
        depends_on: whenHealthy('database', 'cache'),
      },
      [stackServices.edge]: {
        ...ownService('edge', place, 'sandbox-edge'),
        expose: [String(ports.edge)],
        depends_on: { [stackServices.backend]: { condition: 'service_started' } },
      },
      [stackServices.worker]: {
        ...ownService('worker', place, 'sandbox-jobs'),
        mem_limit: '512m',
        depends_on: whenHealthy('database'),
      },
    },
    networks: { default: { ipam: { config: [{ subnet: `${net}.0/24` }] } } },
  };
}

/** A process of examctl's own sandbox. */
function ownService(role: Role, place: Place, program: string): object {
  const volumes = [
    `${place.folder}/examctl:/examctl:ro`,
    `${place.folder}/platform:/platform`,
    `${place.folder}/cache:/cache`,
  ];
  return {
    ...service(role, place, volumes),
    command: [node, '/examctl/bin/examctl.js', 'internal', program, '--config', '/platform/config.json'],
    // at the end of stdin it ends: that is how it learns in a sandbox that its supervisor is gone
    stdin_open: true,
    stop_grace_period: '3s',
    // what V8 compiled outlives the container, as it would in an image
    environment: { TZ: 'UTC', XDG_CACHE_HOME: '/cache' },
  };
}

function service(
  role: Role,
  { folder, net, healthChecked, healthSeconds }: Place,
  volumes: readonly string[],
): object {
  const nodeFolder = dirname(dirname(node));
  return {
    image: hostImage,
    volumes: [
      '/usr:/usr:ro',
      ...(nodeFolder === '/usr' ? [] : [`${nodeFolder}:${nodeFolder}:ro`]),
      ...volumes,
      `${folder}/${role}.health:/health.sh:ro`,
    ],
    networks: { default: { ipv4_address: addressOf(role, net) } },
    // without this the engine asks others for the name of a service that is stopped, and whoever connects hangs for seconds
    dns_opt: ['ndots:1'],
    dns: '127.0.0.1',
    restart: 'unless-stopped',
    stop_grace_period: '1s',
    ...(healthChecked.includes(role) && {
      healthcheck: {
        test: ['CMD', 'bash', '/health.sh'],
        // each costs the engine about 100 ms of processor time
        interval: `${healthSeconds}s`,
        timeout: '2s',
        retries: 3,
        start_period: '20s',
      },
    }),
  };
}

function whenHealthy(...needed: Role[]): object {
  return Object.fromEntries(needed.map((role) => [stackServices[role], { condition: 'service_healthy' }]));
}
