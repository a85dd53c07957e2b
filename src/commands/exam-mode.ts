import { Command, Option } from 'commander';
import { planExamModeOff, planExamModeOn } from '../exam-mode/plan-exam-mode.ts';
import { requireToggle } from '../exam-mode/require-toggle.ts';
import { snapshotOf } from '../exam-mode/snapshot.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import type { Plan } from '../lifecycle/plan.ts';
import { verifyExamMode } from '../probes/exam-mode.ts';
import { type ExamModeStatus, examModeStatus } from '../probes/exam-mode-status.ts';
import { planReport } from '../report/plan-report.ts';
import type { Block } from '../report/report.ts';
import type { Context } from './context.ts';
import { parseMilliseconds } from './duration-argument.ts';
import { declare } from './traits.ts';

interface VerifyOptions {
  readonly expect: 'on' | 'off';
  readonly wait?: number | true;
}

export function examModeCommand(context: Context): Command {
  const command = new Command('exam-mode')
    .description('switch exam mode on and off, and prove that the platform obeys')
    .addHelpText(
      'after',
      '\nExamples:\n  examctl exam-mode on --reason "final exam 14:00"\n  examctl exam-mode verify --wait',
    );
  command
    .command('status')
    .description('show flag, variable and behaviour, who set it, and where they disagree')
    .action(() => runExamModeStatus(context));
  declare(command.command('on'), { changes: true, dryRun: true })
    .description(
      'switch every configured mechanism on and disable the background jobs; noted is what was on before',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  examctl exam-mode on --dry-run\n  examctl exam-mode on -e prod --confirm prod --reason "final exam 14:00"',
    )
    .action(() => runExamModeOn(context));
  declare(command.command('off'), { changes: true, dryRun: true })
    .description('restore exactly what was on before')
    .action(() => runExamModeOff(context));
  declare(command.command('verify'), { judges: true })
    .description(
      'prove by behaviour, on every worker, that exam mode is on: the platform is asked, no setting is believed',
    )
    .addOption(new Option('--expect <state>', 'what must be so').choices(['on', 'off']).default('on'))
    .option(
      '--wait [duration]',
      'poll until all workers agree; without a duration until their caches have expired',
      parseMilliseconds,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  examctl exam-mode verify --wait\n  examctl exam-mode verify --expect off -o json',
    )
    .action((options: VerifyOptions) => runExamModeVerify(options, context));
  return command;
}

type ModeContext = Pick<
  Context,
  'openEnvironment' | 'report' | 'options' | 'operator' | 'archive' | 'progress' | 'signal'
>;

export async function runExamModeStatus({
  openEnvironment,
  report,
}: Pick<ModeContext, 'openEnvironment' | 'report'>) {
  const status = await examModeStatus(await openEnvironment());
  await report({
    kind: 'exam-mode.status',
    data: status,
    exitCode: exitCodeOfStatus(status),
    blocks: statusBlocks(status),
  });
}

/** Right after a toggle workers disagree until their caches are over, which is no drift yet. */
function exitCodeOfStatus({ drift, settlesIn, behaviour, problems }: ExamModeStatus): number {
  if (drift.length > 0 && settlesIn === 0) return 1;
  return drift.length > 0 || behaviour === 'unknown' || problems.length > 0 ? 3 : 0;
}

/** "25 of 25: closed: HTTP 423", where all of them say the same. */
function workerRows(workers: ExamModeStatus['workers']): string[][] {
  const places = new Map<string, { targets: Set<string>; count: number }>();
  for (const { target, gate, seen } of workers) {
    const text = `${gate}: ${seen}`;
    const place = places.get(text) ?? { targets: new Set(), count: 0 };
    places.set(text, { targets: place.targets.add(target), count: place.count + 1 });
  }
  return [...places].map(([text, { targets, count }]) => [
    [...targets].join(', '),
    count === targets.size ? text : `${text} (${count} times)`,
  ]);
}

function statusBlocks({
  behaviour,
  workers,
  flag,
  variable,
  lastToggle,
  drift,
  problems,
  settlesIn,
}: ExamModeStatus): Block[] {
  const set =
    lastToggle === undefined
      ? 'could not be read'
      : lastToggle === null
        ? 'no toggle is on record'
        : `${lastToggle.by ?? 'somebody'} at ${lastToggle.at.toISOString()}: ${lastToggle.reason ?? 'no reason given'}`;
  return [
    { type: 'heading', text: `Exam mode is ${behaviour}` },
    {
      type: 'table',
      columns: [{ title: 'Where' }, { title: 'Says' }],
      rows: [
        ...workerRows(workers),
        ['flag', flag === undefined ? 'could not be read' : flag === null ? 'no row' : String(flag.value)],
        [
          'variable',
          variable === undefined ? 'was not read' : `${variable.name}=${variable.value ?? '(unset)'}`,
        ],
        ['last toggle', set],
      ],
    },
    {
      type: 'list',
      items: [
        ...drift.map((text) => (settlesIn > 0 ? `not settled: ${text}` : `drift: ${text}`)),
        ...(settlesIn > 0
          ? [
              `workers may answer from before the last change for ${settlesIn} s more: examctl exam-mode verify --wait`,
            ]
          : []),
        ...problems.map((text) => `not seen: ${text}`),
      ],
    },
  ];
}

export async function runExamModeOn(context: ModeContext): Promise<void> {
  const environment = await context.openEnvironment();
  await change(await planExamModeOn(environment), environment, context);
}

export async function runExamModeOff(context: ModeContext): Promise<void> {
  const environment = await context.openEnvironment();
  const snapshot = await snapshotOf(environment.name, context.archive);
  if (snapshot === null) {
    context.progress.note('nothing was noted by an earlier "exam-mode on": background jobs stay as they are');
  }
  await change(await planExamModeOff(environment, snapshot), environment, context);
}

async function change(plan: Plan, environment: Environment, context: ModeContext): Promise<void> {
  if (context.options.dryRun) return context.report(planReport(plan));
  for (const note of plan.notes ?? []) context.progress.note(`warning: not in the plan: ${note}`);
  if (plan.changes.length === 0) {
    return context.report({
      kind: plan.operation.replace(' ', '.'),
      data: { run: null, changes: [] },
      blocks: [
        {
          type: 'text',
          text: `Nothing to change: it is so already. Prove it: ${proofOf(plan)}`,
        },
      ],
    });
  }
  await requireToggle(plan, environment, context.signal);
  const { run, folder } = await context.operator(environment).run(plan);
  await context.report({
    kind: plan.operation.replace(' ', '.'),
    data: { run, folder, changes: plan.changes },
    blocks: [
      ...planReport(plan).blocks.filter(({ type }) => type === 'table'),
      {
        type: 'text',
        text: `Done. Workers may answer with the old value for ${environment.platform.examMode.cacheSeconds} s. Prove it: ${proofOf(plan)}`,
      },
    ],
  });
}

function proofOf({ operation }: Plan): string {
  return `examctl exam-mode verify${operation === 'exam-mode off' ? ' --expect off' : ''} --wait`;
}

export async function runExamModeVerify(
  { expect, wait }: VerifyOptions,
  {
    openEnvironment,
    report,
    signal,
    progress,
  }: Pick<ModeContext, 'openEnvironment' | 'report' | 'signal' | 'progress'>,
): Promise<void> {
  const environment = await openEnvironment();
  const cacheWait = (environment.platform.examMode.cacheSeconds + 2) * 1000;
  const milliseconds = wait === true ? cacheWait : wait;
  progress.start(
    `looking at every worker of ${environment.name}`,
    milliseconds === undefined ? undefined : milliseconds / 1000,
  );
  const verification = await verifyExamMode(environment, {
    expected: expect,
    signal,
    ...(milliseconds === undefined ? {} : { wait: milliseconds }),
    onProgress: (text) => progress.update(text),
  });
  progress.done();
  await report({
    kind: 'exam-mode.verify',
    data: verification,
    outcomes: verification.outcomes,
    exitCode: exitCodeOf(verification.outcomes.map(({ outcome }) => outcome)),
    blocks: [
      { type: 'outcomes', outcomes: verification.outcomes },
      {
        type: 'text',
        text: `Expected was exam mode ${expect}; to prove the contrary: --expect ${expect === 'on' ? 'off' : 'on'}`,
      },
    ],
  });
}
