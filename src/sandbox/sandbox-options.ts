import { Refused, UsageError } from '../lifecycle/errors.ts';
import type { SandboxConfig } from './config.ts';

export interface SandboxOptions {
  readonly students: number;
  /** backend processes */
  readonly workers: number;
  readonly examModeStatus: SandboxConfig['examModeStatus'];
  readonly revision: SandboxConfig['revision'];
  readonly basePath: string;
}

export const defaultSandboxOptions: SandboxOptions = {
  students: 600,
  workers: 2,
  examModeStatus: 423,
  revision: 'R2',
  basePath: '/v1',
};

export function optionsOf(config: SandboxConfig): SandboxOptions {
  const { students, examModeStatus, revision, basePath, ports } = config;
  return { students, workers: ports.backend.length, examModeStatus, revision, basePath };
}

export function requireValid({ students, workers, basePath }: SandboxOptions): void {
  const problems = [
    requireCount('students', students, 1, 20_000),
    // each worker may open 20 of the database's 100 connections
    requireCount('workers', workers, 1, 5),
    /^(\/[a-z0-9-]+)+$/.test(basePath)
      ? undefined
      : `the base path must look like /v1 or /api/v1, not "${basePath}"`,
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new UsageError(problems.join('\n'), { hint: 'examctl sandbox up --help' });
}

function requireCount(name: string, value: number, least: number, most: number): string | undefined {
  if (Number.isInteger(value) && value >= least && value <= most) return undefined;
  return `the number of ${name} must be ${least} to ${most}, not ${value}`;
}

/** Options that were asked for must be those that the sandbox has. */
export function requireSame(
  wanted: Partial<SandboxOptions>,
  has: SandboxOptions,
  { names, instead }: { names: readonly (keyof SandboxOptions)[]; instead: string },
): void {
  const different = names.filter((name) => wanted[name] !== undefined && wanted[name] !== has[name]);
  if (different.length === 0) return;
  const list = different.map((name) => `${name} ${has[name]}, not ${wanted[name]}`).join('; ');
  throw new Refused(`there is a sandbox with other options: ${list}`, { hint: instead });
}
