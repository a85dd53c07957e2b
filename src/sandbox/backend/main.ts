import { createServer, type Server } from 'node:http';
import { hostsOf, type SandboxConfig } from '../config.ts';
import { type ActiveDefects, watchDefects } from './active-defects.ts';
import { createApplication } from './application.ts';
import { openBackend } from './backend.ts';
import { runUntilAskedToStop } from './lifetime.ts';
import { readPartArguments } from './part-arguments.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

const readyPollMs = 250;
/** Longer than a recovery may take in a rehearsal of the smoke profile, which is 15 s. */
const slowRestartMs = 25_000;

/** One worker process of the backend; ends with its process. */
export async function runBackend(args: string[]): Promise<void> {
  const { config, instance } = readPartArguments(args);
  const place = { host: hostsOf(config).listen, port: portOf(config, instance) };
  let stop = async () => {};
  const stopped = runUntilAskedToStop(() => stop());
  await holdWhileSlow(config, place);
  const backend = openBackend(config, instance);
  const cacheAnswers = await backend.cache.connected();
  if (config.redisRequired === true && !cacheAnswers) {
    process.stderr.write('Redis is required and does not answer: not starting\n');
    process.exit(3);
  }
  const app = createApplication(backend);
  stop = async () => {
    await app.close();
    await backend.close();
  };
  await app.listen(place);
  process.stdout.write(`Uvicorn running on http://${place.host}:${place.port} (${instance})\n`);
  await stopped;
}

function portOf({ ports }: SandboxConfig, instance: string): number {
  const number = Number(/^backend-(\d+)$/.exec(instance)?.[1]);
  const port = ports.backend[number - 1];
  if (port === undefined) throw new Error(`the configuration has no port for the instance "${instance}"`);
  return port;
}

/** The defect slow-restart: it listens, but gets ready only after a while, or when the defect is mended. */
async function holdWhileSlow({ folder }: SandboxConfig, place: Place): Promise<void> {
  const defects = watchDefects(folder);
  try {
    if (!defects.isOn('slow-restart')) return;
    process.stdout.write('Waiting for application startup.\n');
    const server = createServer((_request, response) => {
      response.writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
      response.end('Service Unavailable');
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(place, resolve);
    });
    await untilReady(defects);
    await closed(server);
  } finally {
    defects.close();
  }
}

function untilReady(defects: ActiveDefects): Promise<void> {
  const readyAt = Date.now() + slowRestartMs;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (defects.isOn('slow-restart') && Date.now() < readyAt) return;
      clearInterval(timer);
      resolve();
    }, readyPollMs);
  });
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
