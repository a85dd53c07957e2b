import { setTimeout as sleep } from 'node:timers/promises';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { BlockedOperation } from '../lifecycle/platform.ts';
import { type Attempt, outcomeOf } from './attempt.ts';
import type { ExamModeBehaviour } from './exam-mode-drift.ts';
import type { FlagRow } from './exam-mode-flag.ts';
import { type ExamModeState, type GateContext, type PlacedReading, placesOf } from './exam-mode-gate.ts';
import { type AskOptions, readGates } from './exam-mode-operations.ts';

export interface SettleOptions extends AskOptions {
  readonly expected: ExamModeState;
  readonly flag: Attempt<FlagRow | null>;
  readonly context: GateContext;
  /** milliseconds; default: the life of a flag cache and 1 s */
  readonly wait: number | undefined;
  readonly onProgress: (message: string) => void;
}

export interface Settled {
  readonly behaviour: ExamModeBehaviour;
  readonly outcome: OutcomeRecord;
}

const pauseMs = 500;
const probe = { id: 'exam-mode-workers', title: 'every worker agrees' };

/**
 * Asks one blocked operation until no worker answers from an old flag cache any more. Where an address has several
 * workers, agreement proves nothing while a cache may still be old, so it goes on until the flag is older than that.
 */
export async function settle(options: SettleOptions): Promise<Settled> {
  const { expected, flag, targets, wait, signal, onProgress, environment } = options;
  const { cacheSeconds } = environment.platform.examMode;
  const cacheMs = (cacheSeconds + 1) * 1_000;
  const started = performance.now();
  const rowIs = 'value' in flag && flag.value !== null ? (flag.value.value ? 'on' : 'off') : undefined;
  // No cache can come to agree with a flag that itself says the contrary.
  const patience = rowIs === undefined || rowIs === expected ? (wait ?? cacheMs) : 0;
  const rowAge = 'value' in flag && flag.value !== null ? flag.value.ageMs : 0;
  const eachSeen = targets.every(({ workers }) => workers === 1);

  for (let round = 1; ; round += 1) {
    const readings = await askSentinel(options);
    const waited = performance.now() - started;
    const behaviour = behaviourOf(readings);
    const settled = behaviour === expected && (eachSeen || rowAge + waited >= cacheMs);
    if (settled || waited + pauseMs > patience) {
      return {
        behaviour,
        outcome: judgeWorkers({ readings, behaviour, expected, waited, round, patience, cacheMs }),
      };
    }
    onProgress(
      `waiting for the flag caches of the workers: ${behaviour} after ${Math.round(waited / 1_000)} s`,
    );
    await sleep(pauseMs, undefined, { signal });
  }
}

/** One blocked operation on every worker: the cheapest look at what exam mode really does. */
export async function askSentinel(options: AskOptions & { context: GateContext }): Promise<PlacedReading[]> {
  const sentinel = sentinelOf(options.environment.platform.examMode.blocked);
  return sentinel === undefined ? [] : readGates(options, sentinel, options.context);
}

function sentinelOf(blocked: readonly BlockedOperation[]): BlockedOperation | undefined {
  return blocked.find(({ anonymousProbe }) => anonymousProbe);
}

export function behaviourOf(readings: readonly PlacedReading[]): ExamModeBehaviour {
  const gates = new Set(readings.map(({ reading }) => reading.gate));
  if (gates.has('closed') && gates.has('open')) return 'mixed';
  if (gates.size !== 1 || gates.has('unclear')) return 'unknown';
  return gates.has('closed') ? 'on' : 'off';
}

interface WorkersSeen {
  readonly readings: readonly PlacedReading[];
  readonly behaviour: ExamModeBehaviour;
  readonly expected: ExamModeState;
  readonly waited: number;
  readonly round: number;
  /** milliseconds that were allowed, and that a cache may be old */
  readonly patience: number;
  readonly cacheMs: number;
}

export function judgeWorkers({
  readings,
  behaviour,
  expected,
  waited,
  round,
  patience,
  cacheMs,
}: WorkersSeen): OutcomeRecord {
  const seconds = (waited / 1_000).toFixed(1);
  const seen = `${placesOf(readings)} (${seconds} s, ${round === 1 ? 'asked once' : `asked ${round} times`})`;
  if (behaviour === expected) return outcomeOf(probe, 'pass', seen);
  if (readings.length === 0) return outcomeOf(probe, 'unknown', 'nothing was asked');
  const contrary = expected === 'on' ? 'open' : 'closed';
  if (!readings.some(({ reading }) => reading.gate === contrary)) return outcomeOf(probe, 'unknown', seen);
  return outcomeOf(
    probe,
    'fail',
    `exam mode is not ${expected} everywhere: ${seen}`,
    patience < cacheMs
      ? `a worker may answer from an old flag cache: set the flag, then ask with --wait ${cacheMs / 1_000}s`
      : 'the caches had time to agree: restart that instance after looking at its log',
  );
}
