import type { Environment, ServiceInstance } from '../lifecycle/environment.ts';
import { workersPerInstance } from '../platforms/workers.ts';
import { attempt } from './attempt.ts';

/** Where the backend is asked: each instance by itself, or all of them through the edge. */
export interface BackendTarget {
  /** "backend-1", or "edge" */
  readonly id: string;
  readonly address?: string;
  /** worker processes that may answer there */
  readonly workers: number;
}

/** One connection reaches one worker. With several behind an address, five times their number leaves out hardly any. */
export function connectionsNeeded({ workers }: BackendTarget): number {
  return workers === 1 ? 1 : 5 * workers;
}

export async function backendTargets(
  environment: Pick<Environment, 'driver' | 'platform'>,
  signal?: AbortSignal,
): Promise<BackendTarget[]> {
  const workers = await workersPerInstance(environment);
  const asked = await attempt(() => environment.driver.instances(), signal);
  const instances = 'value' in asked ? asked.value : [];
  return targetsOf(instances, workers);
}

export function targetsOf(instances: readonly ServiceInstance[], workers: number): BackendTarget[] {
  const backend = instances.filter(({ service }) => service === 'backend');
  const addressed = backend.filter(({ address }) => address !== undefined);
  if (addressed.length > 0 && addressed.length === backend.length) {
    return addressed.map(({ id, address = '' }) => ({ id, address, workers }));
  }
  return [{ id: 'edge', workers: workers * Math.max(1, backend.length) }];
}
