import type { FastifyInstance } from 'fastify';
import type { Backend } from '../backend.ts';
import { adminEmailRoutes } from './admin-email.ts';
import { adminPerfRoutes } from './admin-perf.ts';
import { adminRuntimeRoutes } from './admin-runtime.ts';
import { adminSecurityRoutes } from './admin-security.ts';
import { adminSystemRoutes } from './admin-system.ts';
import { authRoutes } from './auth.ts';
import { healthRoutes, rootRoutes } from './health.ts';
import { heavyRoutes } from './heavy.ts';
import { sessionRoutes } from './sessions.ts';
import { telemetryRoutes } from './telemetry.ts';

export type Routes = (app: FastifyInstance, backend: Backend) => void;

/** By the prefix of the router, which the route of a log line leaves out. */
const routers: readonly (readonly [prefix: string, routes: Routes])[] = [
  ['', healthRoutes],
  ['', heavyRoutes],
  ['/auth', authRoutes],
  ['/sessions', sessionRoutes],
  ['/telemetry/telemetry', telemetryRoutes],
  ['/admin/system', adminSystemRoutes],
  ['/admin/runtime', adminRuntimeRoutes],
  ['/admin/security', adminSecurityRoutes],
  ['/admin/perf', adminPerfRoutes],
  ['/admin/email', adminEmailRoutes],
];

export function registerRoutes(app: FastifyInstance, backend: Backend): void {
  rootRoutes(app, backend);
  for (const [prefix, routes] of routers) {
    app.register(async (router) => routes(router, backend), {
      prefix: `${backend.config.basePath}${prefix}`,
    });
  }
}
