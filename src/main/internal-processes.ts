/** Processes that examctl starts of itself, by name; each resolves when it ends by itself. */
export const internalProcesses: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  guardian: async (args) => (await import('./guardian.ts')).runGuardian(args),
  helper: async (args) => (await import('./helper.ts')).runHelper(args),
  'sandbox-supervisor': async (args) => (await import('../sandbox/supervisor.ts')).runSupervisor(args),
  'load-worker': async () => (await import('./load-worker.ts')).runLoadWorker(),
  'sandbox-backend': async (args) => (await import('../sandbox/backend/main.ts')).runBackend(args),
  'sandbox-backend-workers': async (args) =>
    (await import('../sandbox/backend/workers.ts')).runBackendWorkers(args),
  'sandbox-edge': async (args) => (await import('../sandbox/edge.ts')).runEdge(args),
  'sandbox-jobs': async (args) => (await import('../sandbox/jobs.ts')).runJobs(args),
};
