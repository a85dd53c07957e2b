import { Command, Option } from 'commander';
import type { CheckCatalogue } from '../checks/index.ts';
import { faults } from '../faults/index.ts';
import { systemClock } from '../lifecycle/clock.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { messageOf } from '../lifecycle/errors.ts';
import { pseudonymiser } from '../lifecycle/pseudonym.ts';
import type { LoadPorts } from '../load/ports.ts';
import { type ProfileName, profileNames } from '../load/scenario.ts';
import { authorizeRehearsal, planRehearsal } from '../rehearsal/plan-rehearsal.ts';
import type { RehearsalProgress } from '../rehearsal/ports.ts';
import { type RehearsalOptions, type RehearsalResult, rehearse } from '../rehearsal/rehearse.ts';
import { selectPhases } from '../rehearsal/select-phases.ts';
import { planReport } from '../report/plan-report.ts';
import type { Report } from '../report/report.ts';
import type { Context, Progress } from './context.ts';
import { rehearsalPaper } from './rehearsal-paper.ts';
import { rehearsalReport } from './rehearsal-report.ts';
import { declare } from './traits.ts';

export type RehearseContext = Pick<
  Context,
  'openEnvironment' | 'operator' | 'progress' | 'options' | 'report' | 'archive' | 'actor'
> & {
  catalogue(): Promise<CheckCatalogue>;
  pseudonymSalt(environment: string): Promise<string>;
  loadPorts(): Promise<LoadPorts>;
  writeReport(report: Report, folder: string, paper: Report): Promise<void>;
};

export interface RehearseFlags {
  readonly profile: ProfileName;
  readonly phases?: string;
  readonly keep: boolean;
  readonly engine: 'auto' | 'k6' | 'builtin';
}

export function rehearseCommand(context: RehearseContext): Command {
  return declare(new Command('rehearse'), { changes: true, dryRun: true, judges: true })
    .description('rehearse an exam day and give a verdict: GO, NO-GO or INCONCLUSIVE')
    .addOption(new Option('--profile <name>', 'how big').choices([...profileNames]).default('smoke'))
    .option(
      '--phases <list>',
      '1 freeze, 2 load, 3 faults, 4 integrity, 5 observability, 6 recovery, and canary; default: all',
    )
    .option('--keep', 'leave a sandbox that was brought up for this up', false)
    .addOption(
      new Option('--engine <name>', 'auto takes k6 where there is one')
        .choices(['auto', 'k6', 'builtin'])
        .default('auto'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  examctl rehearse\n  examctl rehearse --profile exam-day -e staging\n  examctl rehearse --phases 1,2,4 -o json | jq .verdict\n\nExit codes: 0 GO, 1 NO-GO, 3 INCONCLUSIVE, 6 something is left broken.',
    )
    .action((flags: RehearseFlags) => runRehearse(flags, context));
}

export async function runRehearse(flags: RehearseFlags, context: RehearseContext): Promise<void> {
  const environment = await context.openEnvironment();
  const options: RehearsalOptions = {
    profile: flags.profile,
    phases: selectPhases(flags.phases),
    keep: flags.keep,
    engine: flags.engine,
    breakGlass: context.options.breakGlass,
    reason: context.options.reason,
  };
  if (context.options.dryRun) return context.report(planReport(await planRehearsal(environment, options)));
  await context.report(await rehearseOn(environment, options, context));
}

/** Rehearses, and writes the report beside the evidence. */
export async function rehearseOn(
  environment: Environment,
  options: RehearsalOptions,
  context: Omit<RehearseContext, 'openEnvironment' | 'options' | 'report'>,
): Promise<ReturnType<typeof rehearsalReport>> {
  await authorizeRehearsal(environment, options);
  const plan = await planRehearsal(environment, options);
  const operator = context.operator(environment);
  const result = await rehearse(plan, options, {
    environment,
    withRun: (wanted, use) => operator.withRun(wanted, use),
    faults,
    haltOf: (run) => context.archive.haltOf(run),
    catalogue: await context.catalogue(),
    students: pseudonymiser(await context.pseudonymSalt(environment.name)),
    load: await context.loadPorts(),
    clock: systemClock,
    progress: rehearsalProgress(context.progress),
    onCut: (cut) => writeReports(cut, context),
  });
  await writeReports(result, context);
  return rehearsalReport(result);
}

/** A full disk must not change the verdict, nor hide why the rehearsal ended. */
async function writeReports(
  result: RehearsalResult,
  { writeReport, actor, progress }: Pick<RehearseContext, 'writeReport' | 'actor' | 'progress'>,
): Promise<void> {
  const version = process.env.EXAMCTL_VERSION ?? 'development';
  try {
    const paper = rehearsalPaper(result, { by: actor, version });
    await writeReport(rehearsalReport(result), result.folder, paper);
  } catch (error) {
    progress.note(`warning: the report could not be written to ${result.folder}: ${messageOf(error)}`);
  }
}

function rehearsalProgress(progress: Progress): RehearsalProgress {
  return {
    phase: (_, title, seconds) => progress.start(title, seconds),
    update: (text) => progress.update(text),
    phaseDone: (_, text) => progress.done(text),
    note: (text) => progress.note(text),
  };
}
