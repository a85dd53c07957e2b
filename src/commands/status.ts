import { Command } from 'commander';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import { environmentStatus } from '../probes/environment-status.ts';
import type { Context } from './context.ts';
import { declare } from './traits.ts';

type StatusContext = Pick<
  Context,
  'openEnvironment' | 'archive' | 'locks' | 'signal' | 'report' | 'progress'
>;

export function statusCommand(context: StatusContext): Command {
  return declare(new Command('status'), { judges: true })
    .description(
      'show how an environment stands: exam mode, students in exams and until when, services, open faults and runs, run lock, last verdict',
    )
    .addHelpText(
      'after',
      `
Examples:
  examctl status -e prod
  examctl status -e prod -o json

It only reads. Exit codes: 0 nothing is wrong, 1 something is (a service is down, a run died with changes open, exam mode
contradicts itself), 3 a part could not be read: it is "unknown", with the reason.`,
    )
    .action(() => runStatus(context));
}

export async function runStatus(context: StatusContext): Promise<void> {
  const { openEnvironment, archive, locks, signal, report, progress } = context;
  const environment = await openEnvironment();
  const now = new Date();
  progress.start(`looking at ${environment.name}`);
  const status = await environmentStatus({
    environment,
    archive,
    locks: locks(environment),
    signal,
    now,
  });
  progress.done();
  await report({
    kind: 'status',
    data: { environment: environment.name, protected: environment.protected, at: now, ...status },
    outcomes: status.outcomes,
    exitCode: exitCodeOf(status.outcomes.map(({ outcome }) => outcome)),
    blocks: [
      { type: 'heading', text: `${environment.name}${environment.protected ? ' (protected)' : ''}` },
      { type: 'outcomes', outcomes: status.outcomes },
    ],
  });
}
