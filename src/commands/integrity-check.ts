import { Command } from 'commander';
import { type CheckProgress, runChecks } from '../checks/run-checks.ts';
import { selectChecks } from '../checks/select-checks.ts';
import { scopeOf } from '../checks/windows.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { UsageError } from '../lifecycle/errors.ts';
import { type Pseudonymiser, pseudonymiser } from '../lifecycle/pseudonym.ts';
import { auditRecorder } from './audit-recorder.ts';
import type { IntegrityContext } from './integrity-context.ts';
import { checkRunReport } from './integrity-report.ts';
import { parseSince } from './since-argument.ts';

export interface CheckOptions {
  readonly check: readonly string[];
  readonly since?: Date;
  readonly identify?: boolean;
}

export function integrityCheckCommand(context: CheckContext): Command {
  return new Command('check')
    .description('run the checks, read-only and on one snapshot; safe during an exam')
    .option(
      '--check <id>',
      'only this one; may be given several times',
      (id, ids: string[]) => [...ids, id],
      [],
    )
    .option(
      '--since <time>',
      'only sessions that started since: 2026-05-04T09:00Z, or 3h for the last three hours',
      parseSince,
    )
    .option(
      '--identify',
      'show students by their ids instead of pseudonyms; needs --reason and is put on record',
    )
    .addHelpText(
      'after',
      `
Examples:
  examctl integrity check -e staging
  examctl integrity check --since 3h --check lost-answers --check unscored-sessions
  examctl integrity check -e prod -o json > integrity.json

Exit codes: 0 nothing bad was found, 1 a check failed, 3 a check could not be made.`,
    )
    .action((options: CheckOptions) => runIntegrityCheck(options, context));
}

export type CheckContext = Pick<
  IntegrityContext,
  | 'catalogue'
  | 'pseudonymSalt'
  | 'openEnvironment'
  | 'report'
  | 'options'
  | 'progress'
  | 'signal'
  | 'actor'
  | 'audit'
>;

export async function runIntegrityCheck(
  { check: only, since, identify = false }: CheckOptions,
  context: CheckContext,
): Promise<void> {
  const { progress, signal } = context;
  if (identify) requireReason(context);
  const catalogue = await context.catalogue();
  // A wrong id is told before anything is opened.
  await selectChecks(catalogue, { only });
  const environment = await context.openEnvironment();
  const students = identify ? 'identified' : await pseudonyms(environment, context);
  if (identify) await recordIdentification(environment, only, context);

  progress.start(`checking the data of ${environment.name}`);
  const run = await runChecks({
    environment,
    catalogue,
    only,
    students,
    signal,
    scope: scopeOf({ ...(since === undefined ? {} : { since }) }, catalogue.windows),
    onProgress: (now) => progress.update(progressText(now)),
  });
  progress.done();
  await context.report(checkRunReport(run));
}

function progressText({ checks, done, of, secondsLeft }: CheckProgress): string {
  const left = secondsLeft === null || secondsLeft < 1 ? '' : `, about ${Math.ceil(secondsLeft)} s left`;
  return `${done} of ${of} checks answered${left}: ${checks.map(({ id }) => id).join(', ')}`;
}

async function pseudonyms(
  { name }: Environment,
  { pseudonymSalt }: Pick<CheckContext, 'pseudonymSalt'>,
): Promise<Pseudonymiser> {
  return pseudonymiser(await pseudonymSalt(name));
}

function requireReason({ options: { reason } }: Pick<CheckContext, 'options'>): void {
  if (reason === undefined || reason.trim() === '') {
    throw new UsageError('--identify shows which students are concerned, and no reason was given', {
      hint: 'add --reason "why you need to know who they are"; it goes into the audit log',
    });
  }
}

/** Before it is shown, so that nobody sees it without a record. */
async function recordIdentification(
  { name }: Environment,
  only: readonly string[],
  context: Pick<CheckContext, 'audit' | 'actor' | 'options'>,
): Promise<void> {
  const record = auditRecorder(context, { environment: name, action: 'integrity check --identify' });
  await record('started', { checks: [...only] });
}
