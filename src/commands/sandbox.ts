import { Command, Option } from 'commander';
import { systemClock } from '../lifecycle/clock.ts';
import { Refused, UsageError } from '../lifecycle/errors.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import type { Report } from '../report/report.ts';
import { sandboxFingerprint } from '../sandbox/access.ts';
import { sandboxDefects } from '../sandbox/defects.ts';
import type { Planting, PlantReport } from '../sandbox/plants/plant-rows.ts';
import {
  breakWith,
  defectsOf,
  down,
  logs,
  mend,
  reset,
  type SandboxContext,
  type SandboxOptions,
  type SandboxStatus,
  status,
  type UpReport,
  up,
} from '../sandbox/sandbox.ts';
import type { Context } from './context.ts';
import { parseCount } from './count-argument.ts';
import { reportLines } from './log-lines-report.ts';
import { declare } from './traits.ts';

export type SandboxCommandContext = Pick<Context, 'report' | 'progress' | 'signal' | 'archive'> & {
  readonly sandbox: SandboxContext;
};

interface DownFlags {
  readonly keep: boolean;
  readonly halt: boolean;
}

interface UpFlags {
  readonly students?: number;
  readonly workers?: number;
  readonly examModeStatus?: '423' | '403';
}

export function sandboxCommand(context: SandboxCommandContext): Command {
  const command = new Command('sandbox')
    .description('an exam platform on this machine, to practise on and to break')
    .addHelpText(
      'after',
      '\nExamples:\n  examctl sandbox up\n  examctl sandbox break lost-answers && examctl rehearse',
    );
  declare(command.command('up'), { changes: true })
    .description(
      'bring it up: PostgreSQL, Redis, backend workers, edge, job worker, students; again: says that it is up',
    )
    .option('--students <count>', 'students that are seeded (600)', parseCount)
    .option('--workers <count>', 'backend worker processes (2)', parseCount)
    .addOption(
      new Option(
        '--exam-mode-status <status>',
        'what a blocked operation answers: the real 423, or the 403 of the planning documents',
      ).choices(['423', '403']),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  examctl sandbox up\n  examctl sandbox up --workers 4 --students 1000',
    )
    .action((flags: UpFlags) => runSandboxUp(flags, context));
  declare(command.command('down'), { changes: true })
    .description('take it down and leave nothing: no process, no socket, no data')
    .option('--keep', 'keep the data for the next up', false)
    .option('--halt', 'end in order first what is at work on it', false)
    .action((flags: DownFlags) => runSandboxDown(flags, context));
  command
    .command('status')
    .description('show its parts, its address and the defects that are on')
    .action(() => runSandboxStatus(context));
  declare(command.command('reset'), { changes: true })
    .description('start again with fresh data')
    .option('--halt', 'end in order first what is at work on it', false)
    .action((flags: { halt: boolean }) => runSandboxReset(flags, context));
  command
    .command('logs')
    .argument('[instance]', 'backend-1, edge, cache, ...; default: all')
    .option('-f, --follow', 'go on printing what is added', false)
    .description('print the logs of its parts')
    .action((instance: string | undefined, flags: { follow: boolean }) =>
      runSandboxLogs(instance, flags, context),
    );
  declare(command.command('break'), { changes: true })
    .argument('<defect>', 'see examctl sandbox defects')
    .description('switch a known defect on')
    .addHelpText('after', '\nExample:\n  examctl sandbox break lost-answers && examctl rehearse')
    .action((defect: string) => runSandboxBreak(defect, context));
  declare(command.command('plant'), { changes: true })
    .argument('<check>', 'id of an integrity check, or near-misses; see examctl sandbox defects')
    .description('write defective records that exactly this integrity check finds')
    .addHelpText(
      'after',
      `
Unlike break, which makes the platform go wrong from now on, this writes the wrong records themselves. They belong to
the last of the seeded students. near-misses are records that look odd and are right: no check finds them.

Examples:
  examctl sandbox plant lost-answers && examctl integrity check
  examctl sandbox mend lost-answers`,
    )
    .action((check: string) => runSandboxPlant(check, context));
  declare(command.command('mend'), { changes: true })
    .argument('[defect]', 'a defect, or what was planted; default: all')
    .description('switch a defect off, and take away what was planted')
    .action((defect: string | undefined) => runSandboxMend(defect, context));
  command
    .command('defects')
    .description('show the known defects and the gate that notices each, and what can be planted')
    .action(() => runSandboxDefects(context));
  return command;
}

export async function runSandboxUp(
  flags: UpFlags,
  { sandbox, progress, report }: SandboxCommandContext,
): Promise<void> {
  const { students, workers, examModeStatus } = flags;
  const wanted: Partial<SandboxOptions> = {
    ...(students === undefined ? {} : { students }),
    ...(workers === undefined ? {} : { workers }),
    ...(examModeStatus === undefined ? {} : { examModeStatus: examModeStatus === '403' ? 403 : 423 }),
  };
  progress.start('bringing the sandbox up', 5);
  const result = await up(sandbox, wanted);
  progress.done();
  await report(upReport(result));
}

export async function runSandboxDown({ keep, halt }: DownFlags, context: SandboxCommandContext) {
  const { sandbox, progress, report } = context;
  await requireNobodyAtWork(halt, context);
  progress.start('taking the sandbox down', 3);
  const result = await down(sandbox, { keep });
  progress.done();
  const texts = {
    removed: 'The sandbox is down; nothing of it is left.',
    stopped: `The sandbox is down; its data are kept in ${result.folder}.`,
    'nothing-there': 'There was no sandbox.',
  };
  await report({
    kind: 'sandbox.down',
    data: result,
    blocks: [{ type: 'text', text: texts[result.outcome] }],
  });
}

/** A fault whose sandbox is taken away under it has nothing to bring back, and its run nothing to prove. */
async function requireNobodyAtWork(
  halt: boolean,
  { archive, sandbox, progress, signal }: SandboxCommandContext,
): Promise<void> {
  const made = sandboxFingerprint(sandbox.stateFolder);
  if (made === undefined) return;
  const atWork = () =>
    archive.open().filter(({ life, identity }) => life !== 'gone' && identity.target?.sandbox === made);
  for (const { id, identity, life } of atWork()) {
    const { actor, host, pid, operation } = identity;
    if (!halt || life === 'elsewhere') {
      throw new Refused(`${actor}@${host} (process ${pid}) is at ${operation} on the sandbox, run ${id}`, {
        hint: 'wait for it, or end it in order first: --halt',
      });
    }
    progress.start(`ending ${operation}, run ${id}`, 5);
    process.kill(pid, 'SIGTERM');
    while (atWork().some((run) => run.id === id)) await systemClock.sleep(100, signal);
    progress.done();
  }
}

export async function runSandboxReset(
  { halt }: { halt: boolean },
  context: SandboxCommandContext,
): Promise<void> {
  const { sandbox, progress, report } = context;
  await requireNobodyAtWork(halt, context);
  progress.start('starting the sandbox with fresh data', 5);
  const result = await reset(sandbox);
  progress.done();
  await report(upReport(result));
}

export async function runSandboxStatus({ sandbox, report }: SandboxCommandContext): Promise<void> {
  await report(statusReport('sandbox.status', await status(sandbox)));
}

export async function runSandboxLogs(
  instance: string | undefined,
  { follow }: { follow: boolean },
  { sandbox, report, signal }: SandboxCommandContext,
): Promise<void> {
  const lines = logs(sandbox, { ...(instance === undefined ? {} : { instance }), follow, signal });
  await reportLines('sandbox.logs', lines, { follow, report });
}

export async function runSandboxBreak(
  defect: string,
  { sandbox, report }: SandboxCommandContext,
): Promise<void> {
  const { isPlanting } = await import('../sandbox/plants/plant-rows.ts');
  if (!isDefect(defect) && isPlanting(defect)) {
    throw new UsageError(`there is no defect "${defect}", but records that this check finds`, {
      hint: `examctl sandbox plant ${defect}`,
    });
  }
  const { defects } = await breakWith(sandbox, defect);
  const known = defects.find(({ id }) => id === defect);
  const text = `On now: ${known?.title}. The gate ${known?.gate} should notice. Switch it off: examctl sandbox mend ${defect}`;
  await report({ kind: 'sandbox.break', data: { defects }, rows: defects, blocks: [{ type: 'text', text }] });
}

export async function runSandboxPlant(
  check: string,
  { sandbox, report }: SandboxCommandContext,
): Promise<void> {
  const { plantRows } = await import('../sandbox/plants/plant-rows.ts');
  const { planting, outcome } = await plantRows(sandbox, check);
  await report({
    kind: 'sandbox.plant',
    data: { ...planting, outcome },
    blocks: [{ type: 'text', text: plantText(planting, outcome) }],
  });
}

function plantText({ id, what, findings }: Planting, outcome: PlantReport['outcome']): string {
  const expected =
    findings === 0
      ? 'No check finds anything in them: examctl integrity check.'
      : `That is ${findings} ${findings === 1 ? 'finding' : 'findings'} of ${id}, and of no other check: examctl integrity check.`;
  const said = outcome === 'planted' ? 'Planted' : 'Planted before';
  return `${said}: ${what}. ${expected} Take it away: examctl sandbox mend ${id}`;
}

function isDefect(id: string): boolean {
  return sandboxDefects.some((defect) => defect.id === id);
}

/** Some ids are those of a defect and of a check: both are meant then. */
export async function runSandboxMend(
  id: string | undefined,
  { sandbox, report }: SandboxCommandContext,
): Promise<void> {
  const { isPlanting, plantings, unplantRows } = await import('../sandbox/plants/plant-rows.ts');
  if (id !== undefined && !isDefect(id) && !isPlanting(id)) {
    const known = [...sandboxDefects, ...plantings].map((either) => either.id);
    throw new UsageError(`there is neither a defect nor a check "${id}"`, {
      hint: didYouMean(id, [...new Set(known)]),
    });
  }
  const { defects, restarted } =
    id !== undefined && !isDefect(id)
      ? { ...defectsOf(sandbox.stateFolder), restarted: [] }
      : await mend(sandbox, id ?? 'all');
  const unplanted = await unplantRows(sandbox, id ?? 'all');
  const on = defects.filter((candidate) => candidate.on).map((defect) => defect.id);
  const texts = [
    on.length === 0 ? 'No defect is on.' : `Still on: ${on.join(', ')}.`,
    ...(restarted.length === 0 ? [] : [`Started again, as they were not ready: ${restarted.join(', ')}.`]),
    ...(unplanted.length === 0 ? [] : [`Taken away: ${unplanted.join(', ')}.`]),
  ];
  await report({
    kind: 'sandbox.mend',
    data: { defects, restarted, unplanted },
    rows: defects,
    blocks: [{ type: 'text', text: texts.join(' ') }],
  });
}

export async function runSandboxDefects({ report }: Pick<Context, 'report'>): Promise<void> {
  const { plantings } = await import('../sandbox/plants/plant-rows.ts');
  await report({
    kind: 'sandbox.defects',
    data: { defects: sandboxDefects, plants: plantings },
    rows: sandboxDefects,
    blocks: [
      { type: 'text', text: 'Ways in which the platform goes wrong (examctl sandbox break DEFECT):' },
      {
        type: 'table',
        columns: [{ title: 'Defect' }, { title: 'What goes wrong' }, { title: 'Gate that notices' }],
        rows: sandboxDefects.map(({ id, title, gate }) => [id, title, gate]),
      },
      { type: 'text', text: 'Wrong records (examctl sandbox plant CHECK):' },
      {
        type: 'table',
        columns: [{ title: 'Check' }, { title: 'What is planted' }, { title: 'Findings' }],
        rows: plantings.map(({ id, what, findings }) => [id, what, findings]),
      },
    ],
  });
}

function upReport(result: UpReport): Report {
  const took = `${(result.milliseconds / 1000).toFixed(1)} s`;
  const text =
    result.outcome === 'already-up' ? 'The sandbox is up already.' : `The sandbox is up, in ${took}.`;
  const { blocks, ...rest } = statusReport('sandbox.up', result);
  return { ...rest, blocks: [{ type: 'text', text }, ...blocks] };
}

function statusReport(kind: string, data: SandboxStatus): Report {
  const texts = {
    absent: 'There is no sandbox. Make one: examctl sandbox up',
    kept: 'The sandbox is down, its data are kept. Start it: examctl sandbox up',
    died: 'The supervisor of the sandbox died. Start it again with its data: examctl sandbox up',
    running: `API ${data.url}, ${data.options?.students} students, folder ${data.folder}`,
  };
  return {
    kind,
    data,
    rows: data.parts,
    exitCode: data.state === 'running' ? 0 : 1,
    blocks: [
      { type: 'text', text: texts[data.state] },
      ...(data.parts.length === 0
        ? []
        : [
            {
              type: 'table' as const,
              columns: ['Part', 'State', 'Process', 'Restarts', 'Detail'].map((title) => ({ title })),
              rows: data.parts.map(({ id, state, pid, restarts, detail }) => [
                id,
                state,
                pid ?? null,
                restarts,
                detail ?? '',
              ]),
            },
          ]),
      ...(data.defects.length === 0
        ? []
        : [{ type: 'text' as const, text: `Defects that are on: ${data.defects.join(', ')}` }]),
    ],
  };
}
