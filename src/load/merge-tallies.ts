import { UsageError } from '../lifecycle/errors.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { LedgerSummary } from './ledger-summary.ts';
import { type Asked, loadOutcomes } from './load-outcomes.ts';
import type { EndpointResult, GeneratorUse, Latency, RequestCounts } from './load-result.ts';
import { Tally } from './tally.ts';
import type { MachineTally } from './tally-file.ts';

export interface MergedLoad extends RequestCounts {
  readonly scenario: string;
  readonly machines: number;
  readonly virtualStudents: number;
  readonly studentsFinished: number;
  readonly latency: Latency | null;
  readonly perEndpoint: Readonly<Record<string, EndpointResult>>;
  readonly outcomes: readonly OutcomeRecord[];
}

/** Judges what several machines saw as one load: histograms are added up, percentiles never averaged. */
export async function mergeTallies(machines: readonly MachineTally[]): Promise<MergedLoad> {
  const [first] = machines;
  if (first === undefined) throw new UsageError('there is nothing to merge');
  const other = machines.find(
    ({ scenario, baseUrl }) => scenario !== first.scenario || baseUrl !== first.baseUrl,
  );
  if (other !== undefined) {
    throw new UsageError(
      `${first.scenario} on ${first.baseUrl} and ${other.scenario} on ${other.baseUrl} are not the same load`,
    );
  }
  const tally = await Tally.create();
  for (const machine of machines) tally.addAll(machine.tally);
  const asked = mergedAsked(machines);
  const ledger = mergedLedger(machines);
  const { requests, failed } = tally.measured;
  return {
    scenario: first.scenario,
    machines: machines.length,
    virtualStudents: asked.students,
    studentsFinished: ledger.studentsFinished,
    requests,
    failed,
    latency: tally.latency(),
    perEndpoint: tally.perEndpoint(),
    outcomes: loadOutcomes({
      asked,
      tally,
      ledger,
      aborted: machines.some(({ aborted }) => aborted),
      generator: mergedGenerator(machines),
      ledgerFile: `${first.scenario}-ledger.ndjson`,
      samplesFile: `${first.scenario}-samples.ndjson`,
    }),
  };
}

function mergedAsked(machines: readonly MachineTally[]): Asked {
  const limits = machines.map(({ asked }) => asked.thresholds);
  return {
    // where they differ, the strictest counts
    thresholds: {
      p95Ms: Math.min(...limits.map(({ p95Ms }) => p95Ms)),
      errorRate: Math.min(...limits.map(({ errorRate }) => errorRate)),
    },
    students: sum(machines.map(({ asked }) => asked.students)),
    submitsTwice: machines.some(({ asked }) => asked.submitsTwice),
  };
}

function mergedLedger(machines: readonly MachineTally[]): LedgerSummary {
  const ledgers = machines.map(({ ledger }) => ledger);
  const reasons: Record<string, number> = {};
  for (const [reason, count] of ledgers.flatMap((ledger) => Object.entries(ledger.reasons)))
    reasons[reason] = (reasons[reason] ?? 0) + count;
  return {
    writes: sum(ledgers.map(({ writes }) => writes)),
    studentsFinished: sum(ledgers.map(({ studentsFinished }) => studentsFinished)),
    reasons,
    submittedTwice: sum(ledgers.map(({ submittedTwice }) => submittedTwice)),
    scoresDiffer: ledgers.flatMap(({ scoresDiffer }) => scoresDiffer),
  };
}

/** The one that was nearest to its limit: one machine that cannot keep up makes the whole load untrue. */
function mergedGenerator(machines: readonly MachineTally[]): GeneratorUse {
  const share = ({ busyCores, usableCores }: GeneratorUse) => (busyCores ?? 0) / usableCores;
  return machines
    .map(({ generator }) => generator)
    .reduce((most, each) => (share(each) > share(most) ? each : most));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
