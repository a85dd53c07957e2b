import { Command, Option } from 'commander';
import { messageOf, Refused, UsageError } from '../lifecycle/errors.ts';
import type { LoadProgress } from '../load/load-result.ts';
import type { LoadPorts } from '../load/ports.ts';
import { reconcile } from '../load/reconcile/reconcile.ts';
import { type LoadOptions, prepareLoad, runLoad } from '../load/run-load.ts';
import { profileNames } from '../load/scenario.ts';
import { scenarios } from '../load/scenarios/index.ts';
import { selectProfileName, selectScenario } from '../load/select-scenario.ts';
import { compressed } from '../load/shape/exam-shape.ts';
import { readShape } from '../load/shape/read-shape.ts';
import { auditRecorder } from './audit-recorder.ts';
import type { Context } from './context.ts';
import { parseCount } from './count-argument.ts';
import { parseSeconds } from './duration-argument.ts';
import { loadInstallK6Command } from './load-install-k6.ts';
import { runFindLimit } from './load-limit.ts';
import { loadManifestCommand } from './load-manifest.ts';
import { loadMergeCommand } from './load-merge.ts';
import { loadReconcileCommand } from './load-reconcile.ts';
import { loadPlanReport, loadReport, scenariosReport } from './load-report.ts';
import { loadShapeCommand } from './load-shape.ts';
import { declare } from './traits.ts';

export type LoadContext = Context & {
  loadPorts(): Promise<LoadPorts>;
};

export interface LoadRunOptions {
  readonly profile: string;
  readonly engine: 'auto' | 'k6' | 'builtin';
  readonly students?: number;
  /** seconds */
  readonly duration?: number;
  /** default: true */
  readonly reconcile?: boolean;
  readonly workers?: number;
  readonly findLimit?: boolean;
  /** file of a shape, and how much faster than it was */
  readonly shape?: string;
  readonly compress?: number;
}

export function loadCommand(context: LoadContext): Command {
  const command = new Command('load')
    .description('act as many students at once and keep a ledger of what was acknowledged')
    .addHelpText('after', '\nExample:\n  examctl load run answers');
  command
    .command('list')
    .description('show the scenarios, what they do, and how big their profiles are')
    .action(() => runLoadList(context));
  declare(command.command('run'), { changes: true, dryRun: true, judges: true })
    .description('run a scenario and hold its result against the thresholds of the environment')
    .argument('<scenario>', `one of: ${scenarios.map(({ id }) => id).join(', ')}`)
    .option('--profile <name>', `how big: ${profileNames.join(', ')}`, 'smoke')
    .addOption(
      new Option('--engine <name>', 'auto takes k6 where there is one')
        .choices(['auto', 'k6', 'builtin'])
        .default('auto'),
    )
    .option('--students <number>', 'virtual students, instead of those of the profile', parseCount)
    .option(
      '--duration <duration>',
      'measured time, as 30s or 5m, instead of that of the profile',
      parseSeconds,
    )
    .addOption(
      new Option(
        '--shape <file>',
        'students who come and go as in an actual exam (examctl load shape), with exam-day',
      ).conflicts(['students', 'duration', 'findLimit']),
    )
    .option('--compress <factor>', 'with --shape: the exam in so much less time, as 10', parseCount)
    .option(
      '--workers <count>',
      'processes that share the students; for more than one core can do',
      parseCount,
    )
    .option(
      '--find-limit',
      'with more and more students, until a threshold is crossed; --students: of the first step',
    )
    .option('--no-reconcile', 'do not compare every acknowledged write with the database afterwards')
    // what scripts of before say: it is so without it
    .addOption(new Option('--ledger').hideHelp())
    .addHelpText(
      'after',
      '\nExamples:\n  examctl load run answers\n  examctl load run submit-spike --profile exam-day -e staging\n  examctl load run exam-day --shape shape.json --compress 10\n  examctl load run answers --find-limit --students 20',
    )
    .action((scenario: string, options: LoadRunOptions) => runLoadRun(scenario, options, context));
  command.addCommand(loadReconcileCommand(context));
  command.addCommand(loadManifestCommand(context));
  command.addCommand(loadMergeCommand(context));
  command.addCommand(loadShapeCommand(context));
  command.addCommand(loadInstallK6Command(context));
  return command;
}

export async function runLoadList({ report }: Pick<Context, 'report'>): Promise<void> {
  await report(scenariosReport());
}

export async function runLoadRun(
  scenario: string,
  options: LoadRunOptions,
  context: Omit<LoadContext, 'operator' | 'locks' | 'archive'>,
): Promise<void> {
  const { id } = selectScenario(scenario);
  selectProfileName(options.profile);
  if (options.compress !== undefined && options.shape === undefined) {
    throw new UsageError('--compress is of --shape, which is not given', {
      hint: 'examctl load run exam-day --shape shape.json --compress 10; or say how long: --duration 5m',
    });
  }
  const { progress, signal } = context;
  const environment = await context.openEnvironment();
  const { breakGlass, reason, dryRun } = context.options;
  const shape = options.shape === undefined ? undefined : await readShape(options.shape);
  const request: Omit<LoadOptions, 'folder'> = {
    environment,
    scenario: id,
    profile: options.profile,
    engine: options.engine,
    overrides: { students: options.students, seconds: options.duration },
    shape: shape === undefined ? undefined : compressed(shape, options.compress ?? 1),
    signal,
    breakGlass,
    reason,
  };
  if (dryRun) return context.report(loadPlanReport(await prepareLoad(request)));
  const folder = context.evidenceFolder(`load-${id}`);
  // no operation with a revert, but what load wrote cannot be taken back: it goes on record like one
  const record = auditRecorder(context, { environment: environment.name, action: `load run ${id}` });
  try {
    if (options.findLimit) {
      const from = options.students ?? 20;
      progress.start(`${id} on ${environment.name} with more and more students`);
      await record('started', { profile: options.profile, evidence: folder });
      const limit = { ...request, from, folder, workers: options.workers ?? 1 };
      const report = await runFindLimit(limit, await context.loadPorts(), context);
      await record('done', { exitCode: report.exitCode ?? 0 });
      return;
    }
    const result = await runLoad(
      {
        ...request,
        folder,
        workers: options.workers ?? 1,
        onEngine: async ({ name, version }, why) => {
          progress.start(`${id} on ${environment.name} with ${name} ${version} (${why})`);
          await record('started', { profile: options.profile, engine: name, evidence: folder });
        },
        onProgress: (now) => progress.update(progressText(now)),
      },
      await context.loadPorts(),
    );
    progress.done(`${result.requests} requests, ${result.failed} failed`);
    const reconciled = options.reconcile === false ? null : await reconcile([result.ledgerFile], environment);
    const report = loadReport(result, reconciled, folder);
    const students = result.virtualStudents;
    await record(result.aborted ? 'stopped' : 'done', { exitCode: report.exitCode ?? 0, students });
    await context.report(report);
  } catch (error) {
    await record(error instanceof Refused ? `refused: ${error.message}` : `failed: ${messageOf(error)}`, {});
    throw error;
  }
}

function progressText(now: LoadProgress): string {
  const { phase, elapsedSeconds, seconds, students, requestsPerSecond, requests, failed } = now;
  const left = Math.max(0, seconds - elapsedSeconds);
  const who = students === null ? '' : `${students} students, `;
  const errors = requests === 0 ? '' : ` (${((100 * failed) / requests).toFixed(1)} %)`;
  return `${phase}: ${who}${requestsPerSecond.toFixed(0)} requests/s, ${failed} of ${requests} failed${errors}, ${left} s left`;
}
