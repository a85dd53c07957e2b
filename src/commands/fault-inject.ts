import type { FaultDefinition } from '../faults/fault.ts';
import { type FaultRecord, injectFault } from '../faults/inject-fault.ts';
import { valuesOf } from '../faults/parameters.ts';
import { planFault } from '../faults/plan-fault.ts';
import type { Window } from '../faults/pulse.ts';
import { findResidue } from '../faults/residue.ts';
import type { StopCondition } from '../faults/stop-condition.ts';
import { systemClock } from '../lifecycle/clock.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { Refused, UsageError } from '../lifecycle/errors.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import { planReport } from '../report/plan-report.ts';
import type { Block, Report } from '../report/report.ts';
import type { Context } from './context.ts';

export interface InjectFlags {
  /** seconds */
  readonly for?: number;
  readonly set: readonly string[];
  readonly stopIf?: readonly StopCondition[];
}

/** Clients of what was away may take a moment to connect again; the platform must be steady by then. */
const recoverySeconds = 15;

export async function runFaultInject(
  fault: FaultDefinition,
  flags: InjectFlags,
  context: Pick<Context, 'openEnvironment' | 'operator' | 'report' | 'options' | 'progress' | 'archive'>,
): Promise<void> {
  const { progress, archive } = context;
  if (flags.for === 0) throw new UsageError('--for 0s would hold nothing', { hint: '--for 10s' });
  const values = valuesOf(fault.parameters, flags.set);
  if (flags.for !== undefined && fault.nature === 'momentary')
    progress.note(`${fault.id} is over as soon as it is made: --for has no effect`);
  const environment = await context.openEnvironment();
  const plan = await planFault(fault, environment, { seconds: flags.for, values });
  if (context.options.dryRun) return context.report(planReport(plan));
  let folder = '';
  let id = '';
  const record = await context.operator(environment).withRun(plan, async (run) => {
    ({ folder, id } = run);
    // only who holds the run lock can tell what was left from what somebody is at
    await requireNoResidue(environment);
    return injectFault(
      {
        fault,
        values,
        plan,
        recoverySeconds,
        quietSeconds: 2,
        ...(flags.stopIf !== undefined && { stopIf: flags.stopIf }),
      },
      {
        environment,
        run,
        clock: systemClock,
        halted: () => archive.haltOf(run.id),
        onProgress: (text, seconds) => progress.start(text, seconds),
        onNote: (text) => progress.note(text),
      },
    );
  });
  await context.report(injectionReport(record, id, folder));
}

/** A run of another state folder, or machine, may have died here: this one must not take its mess for the normal state. */
async function requireNoResidue(environment: Environment): Promise<void> {
  const residue = await findResidue(environment);
  if (residue.length === 0) return;
  throw new Refused(
    `something of a fault is there already: ${residue.map(({ target }) => target).join(', ')}`,
    {
      hint: `examctl fault status; when nobody is at it: examctl fault clear -e ${environment.name}`,
    },
  );
}

function injectionReport(record: FaultRecord, run: string, folder: string): Report {
  const { verdict, steadyAfter, stopped } = record;
  const outcomes = [verdict, ...steadyAfter];
  return {
    kind: 'fault.inject',
    data: { ...record, run, folder, reverted: true },
    outcomes,
    exitCode: exitCodeFor(record),
    blocks: [
      {
        type: 'text',
        text: `Injected, ${stopped === null ? 'held' : `ended early (${stopped.text})`} and reverted: ${record.title}. All is as it was before.`,
      },
      windowsTable(record),
      { type: 'outcomes', outcomes: [verdict] },
      { type: 'heading', text: 'Steady state afterwards' },
      { type: 'outcomes', outcomes: steadyAfter },
      { type: 'text', text: `Journal and evidence: ${folder}` },
    ],
  };
}

/** What was ended from outside has not been tried to its end: failed, and reverted. */
function exitCodeFor({ verdict, steadyAfter, stopped }: FaultRecord): number {
  const code = exitCodeOf([verdict, ...steadyAfter].map(({ outcome }) => outcome));
  const isEndedFromOutside = stopped?.cause === 'halt' || stopped?.cause === 'exam';
  return isEndedFromOutside && code !== 1 ? 5 : code;
}

function windowsTable({ before, during, after }: FaultRecord): Block {
  const row = (name: string, { requests, failed, p95Ms, retries, lost }: Window) => [
    name,
    requests,
    failed,
    p95Ms === null ? null : Math.round(p95Ms),
    retries,
    lost,
  ];
  return {
    type: 'table',
    columns: [
      { title: 'Reads' },
      { title: 'Asked', align: 'right' },
      { title: 'Failed', align: 'right' },
      { title: 'p95 ms', align: 'right' },
      { title: 'Retries', align: 'right' },
      { title: 'Lost', align: 'right' },
    ],
    rows: [row('before', before), row('during', during), row('after', after)],
  };
}
