import type { Disturbance } from '../lifecycle/disturbance.ts';
import type { Service } from '../lifecycle/environment.ts';
import type { Change } from '../lifecycle/plan.ts';

/** Services that a disturbance may be asked for. */
export const services: readonly Service[] = ['backend', 'frontend', 'database', 'cache', 'edge', 'worker'];

/** All that is asked of the backend, by itself or through the edge. */
const ofBackend = [
  'services-running',
  'health-root',
  'health-api',
  'ready',
  'ready-database',
  'ready-cache',
  'read-works',
] as const;

/** The probes of the steady state that a service's absence fails. */
export const lostWith: Readonly<Record<'cache' | 'database' | 'backend' | 'edge', readonly string[]>> = {
  cache: ['services-running', 'cache-answers', 'ready', 'ready-cache'],
  database: ['services-running', 'database-answers', 'ready', 'ready-database', 'read-works'],
  backend: ofBackend,
  edge: ofBackend,
};

export function stopped(service: Service): Change {
  return {
    target: `service ${service}`,
    before: 'running',
    after: 'stopped',
    apply: { kind: 'service-stop', service },
    revert: { kind: 'service-start', service },
    undoneBy: 'guardian',
    seconds: 5,
  };
}

export function paused(service: Service): Change {
  return {
    target: `service ${service}`,
    before: 'running',
    after: 'paused: it accepts connections and answers nobody',
    apply: { kind: 'service-pause', service },
    revert: { kind: 'service-start', service },
    undoneBy: 'guardian',
    seconds: 2,
  };
}

export function restarted(service: Service, seconds: number): Change {
  return {
    target: `service ${service}`,
    before: 'running',
    after: 'restarted, all of it at once',
    apply: { kind: 'service-restart', service },
    revert: { kind: 'service-start', service },
    undoneBy: 'guardian',
    seconds,
  };
}

/** Seconds that whatever process it takes may live longer than the fault should: the guardian has reverted by then. */
const spareSeconds = 120;

export function disturbed(
  id: string,
  disturbance: Disturbance,
  { target, after, seconds }: { readonly target: string; readonly after: string; readonly seconds: number },
): Change {
  return {
    target,
    before: 'undisturbed',
    after,
    apply: { kind: 'disturb', id, disturbance, lifeSeconds: seconds + spareSeconds },
    revert: { kind: 'calm', id, disturbance },
    undoneBy: 'guardian',
    seconds: 3,
  };
}
