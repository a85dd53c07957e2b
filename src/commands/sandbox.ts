import { Command, Option } from 'commander';
import type { Report } from '../report/report.ts';
import { sandboxDefects } from '../sandbox/defects.ts';
import {
  breakWith,
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

export type SandboxCommandContext = Pick<Context, 'report' | 'progress' | 'signal'> & {
  readonly sandbox: SandboxContext;
};

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
  command
    .command('up')
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
  command
    .command('down')
    .description('take it down and leave nothing: no process, no socket, no data')
    .option('--keep', 'keep the data for the next up', false)
    .action((flags: { keep: boolean }) => runSandboxDown(flags, context));
  command
    .command('status')
    .description('show its parts, its address and the defects that are on')
    .action(() => runSandboxStatus(context));
  command
    .command('reset')
    .description('start again with fresh data')
    .action(() => runSandboxReset(context));
  command
    .command('logs')
    .argument('[instance]', 'backend-1, edge, cache, ...; default: all')
    .option('-f, --follow', 'go on printing what is added', false)
    .description('print the logs of its parts')
    .action((instance: string | undefined, flags: { follow: boolean }) =>
      runSandboxLogs(instance, flags, context),
    );
  command
    .command('break')
    .argument('<defect>', 'see examctl sandbox defects')
    .description('switch a known defect on')
    .addHelpText('after', '\nExample:\n  examctl sandbox break lost-answers && examctl rehearse')
    .action((defect: string) => runSandboxBreak(defect, context));
  command
    .command('mend')
    .argument('[defect]', 'default: all')
    .description('switch a defect off')
    .action((defect: string | undefined) => runSandboxMend(defect, context));
  command
    .command('defects')
    .description('show the known defects and the gate that notices each')
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

export async function runSandboxDown(
  { keep }: { keep: boolean },
  { sandbox, progress, report }: SandboxCommandContext,
) {
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

export async function runSandboxReset({ sandbox, progress, report }: SandboxCommandContext): Promise<void> {
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
  const lines = [];
  for await (const line of logs(sandbox, {
    ...(instance === undefined ? {} : { instance }),
    follow,
    signal,
  })) {
    if (follow) await report(linesReport([line]));
    else lines.push(line);
  }
  if (!follow) await report(linesReport(lines));
}

function linesReport(lines: readonly { instance: string; text: string }[]): Report {
  const text = lines.map((line) => `${line.instance}  ${line.text}`).join('\n');
  return {
    kind: 'sandbox.logs',
    data: { lines },
    rows: lines,
    blocks: text === '' ? [] : [{ type: 'code', text }],
  };
}

export async function runSandboxBreak(
  defect: string,
  { sandbox, report }: SandboxCommandContext,
): Promise<void> {
  const { defects } = await breakWith(sandbox, defect);
  const known = defects.find(({ id }) => id === defect);
  const text = `On now: ${known?.title}. The gate ${known?.gate} should notice. Switch it off: examctl sandbox mend ${defect}`;
  await report({ kind: 'sandbox.break', data: { defects }, rows: defects, blocks: [{ type: 'text', text }] });
}

export async function runSandboxMend(
  defect: string | undefined,
  { sandbox, report }: SandboxCommandContext,
): Promise<void> {
  const { defects, restarted } = await mend(sandbox, defect ?? 'all');
  const on = defects.filter((candidate) => candidate.on).map(({ id }) => id);
  const text = on.length === 0 ? 'No defect is on.' : `Still on: ${on.join(', ')}.`;
  const again =
    restarted.length === 0 ? '' : ` Started again, as they were not ready: ${restarted.join(', ')}.`;
  await report({
    kind: 'sandbox.mend',
    data: { defects, restarted },
    rows: defects,
    blocks: [{ type: 'text', text: text + again }],
  });
}

export async function runSandboxDefects({ report }: Pick<Context, 'report'>): Promise<void> {
  await report({
    kind: 'sandbox.defects',
    data: { defects: sandboxDefects },
    rows: sandboxDefects,
    blocks: [
      {
        type: 'table',
        columns: [{ title: 'Defect' }, { title: 'What goes wrong' }, { title: 'Gate that notices' }],
        rows: sandboxDefects.map(({ id, title, gate }) => [id, title, gate]),
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
