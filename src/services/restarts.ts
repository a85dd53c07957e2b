import type { Service } from '../lifecycle/environment.ts';

/** What students notice when the service is away. */
export const effects: Readonly<Record<Service, string>> = {
  backend: 'requests in flight are lost, and nothing is answered until it is healthy again',
  frontend: 'pages do not load meanwhile; what was answered stays stored',
  database: 'nothing can be read or stored meanwhile; pages answer with errors',
  cache: 'rate limits are off and sign-ins cannot be renewed meanwhile',
  edge: 'nobody reaches the platform meanwhile',
  worker: 'background jobs do not run meanwhile',
};

/** Seconds until it is healthy again, about. */
export const restartSeconds: Readonly<Record<Service, number>> = {
  database: 10,
  cache: 10,
  worker: 10,
  backend: 45,
  frontend: 45,
  edge: 5,
};
