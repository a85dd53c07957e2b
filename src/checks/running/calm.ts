import type { Clock } from '../../lifecycle/clock.ts';
import type { Environment } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';

/** Milliseconds. */
const step = 1_000;
const patience = 20_000;
/** The checks may have a tenth of the time: what nine of ten answers do not meet, the 95th percentile hardly shows. */
const restsPerWork = 9;
/** A connection that rests in a transaction must not be taken for a forgotten one. */
const longestRest = 45_000;
/** After so short a statement there is nothing to recover from. */
const shortestWork = 250;
/** A measurement is as good as new for that long, so that many short statements are not all measured. */
const freshFor = 250;
const answerWithin = 5_000;

export interface Calm {
  /** for RunChecksOptions.mayGoOn */
  mayGoOn(signal: AbortSignal): Promise<string | null>;
  /** what a person should know about the pauses */
  notes(): readonly string[];
}

export interface CalmOptions {
  /** milliseconds that the platform takes to answer now; rejects when it does not */
  readonly measure: (signal: AbortSignal) => Promise<number>;
  readonly clock: Clock;
  /** false: only a platform that answers slowly is waited for */
  readonly rest?: boolean;
  /** milliseconds of the rest that begins now */
  readonly onRest?: (milliseconds: number) => void;
}

/**
 * Keeps checks from adding to the trouble of a live exam: after a statement it rests nine times as long as that took, and
 * while the platform answers slower than at the beginning it waits, for a while.
 */
export function keepCalm({ measure, clock, rest: mayRest = true, onRest }: CalmOptions): Calm {
  let atFirst: Promise<number> | undefined;
  let measuredAt = Number.NEGATIVE_INFINITY;
  let wentOnAt: number | undefined;
  let rested = 0;
  let waited = 0;

  const now = () => clock.now().getTime();
  const pause = async (milliseconds: number, signal: AbortSignal) => {
    await clock.sleep(milliseconds, signal);
    signal.throwIfAborted();
  };
  const latency = async (signal: AbortSignal): Promise<number> => {
    try {
      return await measure(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Undetermined)) throw error;
      return Number.POSITIVE_INFINITY;
    } finally {
      measuredAt = now();
    }
  };

  const rest = async (signal: AbortSignal) => {
    const took = wentOnAt === undefined ? 0 : now() - wentOnAt;
    if (!mayRest || took < shortestWork) return;
    const length = Math.min(longestRest, took * restsPerWork);
    onRest?.(length);
    await pause(length, signal);
    rested += length;
  };

  const untilCalm = async (signal: AbortSignal): Promise<string | null> => {
    const begins = atFirst === undefined;
    atFirst ??= latency(signal);
    const first = await atFirst;
    if (!Number.isFinite(first)) return 'students are in exams and the platform does not answer';
    if (begins || now() - measuredAt < freshFor) return null;
    const limit = Math.max(2 * first, first + 50);
    const since = now();
    for (;;) {
      const current = await latency(signal);
      if (current <= limit) return null;
      if (now() - since >= patience) return tooSlow(first, current);
      await pause(step, signal);
      waited += step;
    }
  };

  return {
    async mayGoOn(signal) {
      await rest(signal);
      const reason = await untilCalm(signal);
      wentOnAt = now();
      return reason;
    },
    notes: () => [
      ...(rested < 1_000
        ? []
        : [
            `rested ${seconds(rested)} between statements, as students are in exams; --no-rest goes on at once`,
          ]),
      ...(waited === 0 ? [] : [`waited ${seconds(waited)} for the platform, which answered slowly`]),
    ],
  };
}

function tooSlow(first: number, current: number): string {
  const answers = Number.isFinite(current) ? `answers in ${Math.round(current)} ms` : 'does not answer';
  return `students are in exams and the platform ${answers}, at the beginning in ${Math.round(first)} ms; waited ${patience / 1_000} s for it`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}

/** How long the API takes to answer, or, where it cannot be reached at the beginning, the database. */
export function platformLatency({
  api,
  platform,
  withPostgres,
}: Pick<Environment, 'api' | 'platform' | 'withPostgres'>): CalmOptions['measure'] {
  const path = platform.health.find(({ id }) => id === 'ready')?.path ?? platform.health[0]?.path ?? '/';
  const throughApi = async (signal: AbortSignal) => {
    const { ms, status } = await api.request({ method: 'GET', path, timeout: answerWithin, signal });
    if (status >= 500) throw new Undetermined(`GET ${path} answered ${status}`);
    return ms;
  };
  const throughDatabase = (): Promise<number> =>
    withPostgres(
      async (postgres) => {
        const begin = performance.now();
        await postgres.query('SELECT 1');
        return performance.now() - begin;
      },
      { statementTimeout: answerWithin },
    );
  let chosen: CalmOptions['measure'] | undefined;
  return async (signal) => {
    if (chosen !== undefined) return chosen(signal);
    try {
      // The first answer has to find the way, and may have to make a connection.
      await throughApi(signal);
      chosen = throughApi;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Undetermined)) throw error;
      chosen = throughDatabase;
    }
    return chosen(signal);
  };
}
