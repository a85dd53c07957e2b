import type { Command } from 'commander';
import type { FullContext } from './context.ts';

type Loader = (context: FullContext) => Promise<Command>;

/** Only the wanted command is loaded and registered. */
export const commandLoaders: Readonly<Record<string, Loader>> = {
  audit: async (context) => (await import('../commands/audit.ts')).auditCommand(context),
  config: async (context) => (await import('../commands/config.ts')).configCommand(context),
  doctor: async (context) => (await import('../commands/doctor.ts')).doctorCommand(context),
  env: async (context) => (await import('../commands/env.ts')).envCommand(context),
  'exam-mode': async (context) => (await import('../commands/exam-mode.ts')).examModeCommand(context),
  explain: async (context) => (await import('../commands/explain.ts')).explainCommand(context),
  fault: async (context) => (await import('../commands/fault.ts')).faultCommand(context),
  integrity: async (context) => (await import('../commands/integrity.ts')).integrityCommand(context),
  load: async (context) => (await import('../commands/load.ts')).loadCommand(context),
  metrics: async (context) => (await import('../commands/metrics.ts')).metricsCommand(context),
  recover: async (context) => (await import('../commands/recover.ts')).recoverCommand(context),
  rehearse: async (context) => (await import('../commands/rehearse.ts')).rehearseCommand(context),
  runs: async (context) => (await import('../commands/runs.ts')).runsCommand(context),
  services: async (context) => (await import('../commands/services.ts')).servicesCommand(context),
  status: async (context) => (await import('../commands/status.ts')).statusCommand(context),
  sandbox: async (context) => (await import('../commands/sandbox.ts')).sandboxCommand(context),
};
