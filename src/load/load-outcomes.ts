import { basename } from 'node:path';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { type Cause, causeText } from './failure.ts';
import type { LedgerSummary } from './ledger-summary.ts';
import type { LoadPlan } from './load-plan.ts';
import type { GeneratorUse } from './load-result.ts';
import { noSamplesReason } from './no-samples-reason.ts';
import type { Tally } from './tally.ts';

/** What a load run, or several machines together, were to do. */
export interface Asked {
  readonly thresholds: LoadPlan['thresholds'];
  readonly students: number;
  /** whether some of them submit twice */
  readonly submitsTwice: boolean;
}

export function askedBy({ thresholds, students }: LoadPlan): Asked {
  return {
    thresholds,
    students: students.length,
    submitsTwice: students.some(({ submitTwice }) => submitTwice),
  };
}

export interface LoadEvidence {
  readonly asked: Asked;
  readonly tally: Tally;
  readonly ledger: LedgerSummary;
  readonly aborted: boolean;
  readonly generator: GeneratorUse;
  readonly ledgerFile: string;
  readonly samplesFile: string;
}

/** What was measured of a part of the load only has not shown that a limit holds, but may have shown that it does not. */
export function loadOutcomes(evidence: LoadEvidence): OutcomeRecord[] {
  const outcomes = [
    latencyOutcome(evidence),
    errorRateOutcome(evidence),
    studentsOutcome(evidence),
    ledgerOutcome(evidence),
    ...sameScoreOutcome(evidence),
    generatorOutcome(evidence),
  ];
  const missing = missingPart(evidence);
  const judged: OutcomeRecord[] = outcomes.map((outcome) =>
    outcome.outcome === 'pass' && missing !== null
      ? { ...outcome, outcome: 'unknown', message: `${outcome.message}; but ${missing}` }
      : outcome,
  );
  const [cause] = evidence.tally.causes();
  return cause === undefined ? judged : judged.map((outcome) => withCause(outcome, cause));
}

/** Whoever reads that it failed wants to know what the platform said. */
function withCause(outcome: OutcomeRecord, cause: Cause): OutcomeRecord {
  // what the generator could not do is not the platform's
  const isOwn = outcome.id === 'load-generator';
  if (outcome.outcome === 'pass' || isOwn) return outcome;
  return { ...outcome, message: `${outcome.message}; ${causeText(cause)}` };
}

function missingPart(evidence: LoadEvidence): string | null {
  if (evidence.aborted) return 'the run was stopped before its end';
  const dropped = unheardOf(evidence);
  return dropped > 0
    ? `${dropped} of ${evidence.asked.students} virtual students did not come to their end, and what they would have sent is missing`
    : null;
}

/** Virtual students of whom the ledger does not tell how they ended. */
function unheardOf({ asked, ledger }: LoadEvidence): number {
  const told = Object.values(ledger.reasons).reduce((sum, count) => sum + count, 0);
  return asked.students - ledger.studentsFinished - told;
}

function latencyOutcome(evidence: LoadEvidence): OutcomeRecord {
  const { asked, tally, samplesFile } = evidence;
  const limit = asked.thresholds.p95Ms;
  const about = {
    id: 'load-p95-latency',
    title: `95 % of requests are answered within ${limit} ms`,
    evidence: [basename(samplesFile)],
  };
  const latency = tally.latency();
  if (latency === null) return { ...about, ...unknownBecause(tally) };
  const accepted = tally.measured.requests - tally.measured.failed;
  const message = `p95 ${latency.p95} ms over ${accepted} accepted requests (limit ${limit} ms, worst ${latency.max} ms)`;
  const strain = strainOf(evidence);
  // what the generator adds is not the platform's: without it, the limit may hold or be crossed
  if (strain !== null && latency.p95 - (tally.lag()?.p95 ?? 0) < limit) {
    return { ...about, outcome: 'unknown', message: `${message}; but ${strain}`, hint: moreMachine };
  }
  return latency.p95 < limit
    ? { ...about, outcome: 'pass', message }
    : { ...about, outcome: 'fail', message, hint: 'examctl metrics capture shows where the time goes' };
}

function errorRateOutcome({ asked, tally, samplesFile }: LoadEvidence): OutcomeRecord {
  const limit = asked.thresholds.errorRate;
  const about = {
    id: 'load-error-rate',
    title: `less than ${percent(limit)} of requests fail`,
    evidence: [basename(samplesFile)],
  };
  const isMeasured = tally.measured.requests > 0;
  // what fails while it is prepared keeps the students from being measured at all
  const { requests, failed, byStatus } = isMeasured ? tally.measured : tally.notMeasured;
  if (requests === 0 || onlyRefusals(byStatus) || (!isMeasured && failed / requests < limit))
    return { ...about, ...unknownBecause(tally) };
  const rate = failed / requests;
  const when = isMeasured ? '' : ' before anything could be measured';
  const message = `${failed} of ${requests} requests failed${when}, ${percent(rate)} (limit ${percent(limit)})${statuses(byStatus)}`;
  return rate < limit
    ? { ...about, outcome: 'pass', message }
    : { ...about, outcome: 'fail', message, hint: 'the statuses are per request in the samples file' };
}

function studentsOutcome(evidence: LoadEvidence): OutcomeRecord {
  const { asked, tally, ledger, ledgerFile, aborted } = evidence;
  const about = {
    id: 'load-students-finished',
    title: 'every virtual student has done what the scenario asks',
    evidence: [basename(ledgerFile)],
  };
  const { students } = asked;
  if (ledger.studentsFinished === students && students > 0) {
    return { ...about, outcome: 'pass', message: `${students} of ${students} students finished` };
  }
  if (tally.latency() === null) return { ...about, ...unknownBecause(tally) };
  const unheard = unheardOf(evidence);
  const reasons = Object.entries(ledger.reasons).map(([reason, count]) => `${count} ${reason}`);
  if (unheard > 0) reasons.push(`${unheard} did not come to their end${aborted ? '' : ' in time'}`);
  const message = `${ledger.studentsFinished} of ${students} students finished: ${reasons.join('; ')}`;
  const hint = 'the ledger names them: lines of kind "student"';
  return { ...about, outcome: aborted ? 'unknown' : 'fail', message, hint };
}

/** A ledger with holes would make reconciling it prove nothing. */
function ledgerOutcome({ tally, ledger, ledgerFile, samplesFile }: LoadEvidence): OutcomeRecord {
  const about = {
    id: 'load-ledger-complete',
    title: 'the ledger has every answer and submit that was sent',
    evidence: [basename(ledgerFile), basename(samplesFile)],
  };
  if (tally.writes === 0)
    return { ...about, outcome: 'unknown', message: `nothing was written${because(tally)}` };
  const message = `${ledger.writes} writes in the ledger, ${tally.writes} requests`;
  return ledger.writes === tally.writes
    ? { ...about, outcome: 'pass', message }
    : {
        ...about,
        outcome: 'unknown',
        message,
        hint: 'look for a full disk or a killed k6, and run it again',
      };
}

function sameScoreOutcome({ asked, tally, ledger, ledgerFile }: LoadEvidence): OutcomeRecord[] {
  if (!asked.submitsTwice) return [];
  const about = {
    id: 'load-submit-same-score',
    title: 'a second submit returns the score of the first',
    evidence: [basename(ledgerFile)],
  };
  const { submittedTwice, scoresDiffer } = ledger;
  if (submittedTwice === 0) {
    return [{ ...about, outcome: 'unknown', message: `no second submit was acknowledged${because(tally)}` }];
  }
  if (scoresDiffer.length === 0) {
    return [
      { ...about, outcome: 'pass', message: `${submittedTwice} sessions submitted twice, same score each` },
    ];
  }
  const named = scoresDiffer.slice(0, 20).join(', ');
  const message = `${scoresDiffer.length} of ${submittedTwice} sessions returned another score: ${named}`;
  return [{ ...about, outcome: 'fail', message, hint: 'examctl integrity check shows what was stored' }];
}

/** Of the latency that is allowed, so much may be the generator's own. */
const ownShare = 0.1;
const busyShare = 0.9;
const moreMachine = 'run it on a machine that does nothing else, with more cores, or with --workers';

/** Why the load generator was itself the bottleneck; null: it was not. */
function strainOf({ asked, tally, generator }: LoadEvidence): string | null {
  if (tally.unsent > 0) return `this machine had no socket for ${tally.unsent} requests (ulimit -n)`;
  const lag = tally.lag();
  if (lag !== null && lag.p95 > ownShare * asked.thresholds.p95Ms)
    return `the load generator was late itself, by ${Math.round(lag.p95)} ms at its p95`;
  const { busyCores, usableCores } = generator;
  return busyCores !== null && busyCores > busyShare * usableCores
    ? `the load generator kept ${busyCores.toFixed(1)} of ${usableCores} cores busy`
    : null;
}

function generatorOutcome(evidence: LoadEvidence): OutcomeRecord {
  const { tally, samplesFile, generator } = evidence;
  const about = {
    id: 'load-generator',
    title: 'the load generator kept up',
    evidence: [basename(samplesFile)],
  };
  const lag = tally.lag();
  if (lag === null) return { ...about, ...unknownBecause(tally) };
  const strain = strainOf(evidence);
  if (strain !== null) return { ...about, outcome: 'unknown', message: strain, hint: moreMachine };
  const cores = generator.busyCores === null ? '' : `, ${generator.busyCores.toFixed(2)} cores busy`;
  return { ...about, outcome: 'pass', message: `late by ${lag.p95} ms at its p95${cores}` };
}

function unknownBecause(tally: Tally) {
  const { message, hint } = noSamplesReason(tally);
  return { outcome: 'unknown', message, hint } as const;
}

function because(tally: Tally): string {
  return tally.latency() === null ? `: ${noSamplesReason(tally).message}` : '';
}

/** Refused identities and missing answers are about the load's own means or an API that is down, not its errors under load. */
function onlyRefusals(byStatus: Readonly<Record<string, number>>): boolean {
  const seen = Object.keys(byStatus);
  return seen.length > 0 && seen.every((status) => ['0', '401', '403', '429'].includes(status));
}

function statuses(byStatus: Readonly<Record<string, number>>): string {
  const failed = Object.entries(byStatus).filter(([status]) => !status.startsWith('2'));
  if (failed.length === 0) return '';
  return `: ${failed.map(([status, count]) => `${count} x ${status === '0' ? 'no answer' : status}`).join(', ')}`;
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100} %`;
}
