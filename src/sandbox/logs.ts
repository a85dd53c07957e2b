import { existsSync } from 'node:fs';
import type { LogLine, Service } from '../lifecycle/environment.ts';
import { UsageError } from '../lifecycle/errors.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import { readSandboxConfig, type SandboxConfig } from './config.ts';
import { notRunning } from './control-client.ts';
import { locateSandbox, logFile } from './folder.ts';
import { readLogs } from './log-files.ts';

/** For commands: of one instance or service, or of everything. */
export function logs(
  { stateFolder }: { stateFolder: string },
  { instance, ...options }: LogOptions & { readonly instance?: string } = {},
): AsyncGenerator<LogLine> {
  return sandboxLogs(stateFolder, instance, options);
}

export interface LogOptions {
  readonly since?: Date;
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** Lines of an instance, of all instances of a service, or of everything; also of a sandbox that is down. */
export function sandboxLogs(
  stateFolder: string,
  name: string | undefined,
  options: LogOptions,
): AsyncGenerator<LogLine> {
  const files = locateSandbox(stateFolder);
  if (!existsSync(files.config)) throw notRunning('there is no sandbox');
  const all = logNames(readSandboxConfig(files.config));
  const chosen = all.filter(
    ({ instance, service }) => name === undefined || name === instance || name === service,
  );
  if (name !== undefined && chosen.length === 0) {
    const known = [
      ...new Set(all.flatMap(({ instance, service }) => [instance, ...(service ? [service] : [])])),
    ];
    throw new UsageError(`the sandbox has no log "${name}"`, { hint: didYouMean(name, known) });
  }
  return readLogs(
    chosen.map(({ instance }) => ({ instance, file: logFile(files, instance) })),
    options,
  );
}

function logNames({ ports }: SandboxConfig): { instance: string; service?: Service }[] {
  return [
    { instance: 'supervisor' },
    { instance: 'database-1', service: 'database' },
    { instance: 'cache-1', service: 'cache' },
    ...ports.backend.map((_, index) => ({ instance: `backend-${index + 1}`, service: 'backend' as const })),
    { instance: 'edge-1', service: 'edge' },
    { instance: 'jobs-1', service: 'worker' },
  ];
}
