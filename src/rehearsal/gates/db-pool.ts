import { type Gate, percent } from './gate.ts';

/** One look shows a moment, and says nothing of the peak. */
const fewestSamples = 3;

export const dbPool: Gate = {
  id: 'db-pool',
  title: 'database connections stay below the limit of the pool',
  needs: ['pool'],
  judge: ({ pool }, { dbPool: limit }) => {
    const missed = pool?.missed ?? [];
    const full = missed.filter(({ serverFull }) => serverFull).length;
    if (full > 0) {
      return {
        outcome: 'fail',
        message: `the server had no connection left in ${full} of ${full + (pool?.samples.length ?? 0)} samples`,
        hint: 'see who holds them: SELECT application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2',
      };
    }
    const share = pool?.maximumWorkerShare ?? pool?.maximumShare ?? null;
    if (pool === undefined || share === null) {
      return { outcome: 'unknown', message: `no sample: ${missed[0]?.reason ?? 'nothing was seen'}` };
    }
    const gaps = missed.length === 0 ? '' : `; ${missed.length} samples could not be taken`;
    const message = `the fullest worker had ${percent(share)} of its ${pool.capacity.perWorker} connections in use, in ${pool.samples.length} samples; limit ${percent(limit)}${gaps}`;
    if (share < limit) {
      const { length: seen } = pool.samples;
      if (seen >= fewestSamples && seen > missed.length) return { outcome: 'pass', message };
      return { outcome: 'unknown', message: `too little was seen: ${message}`, ...hintOf(missed[0]?.reason) };
    }
    return {
      outcome: 'fail',
      message,
      hint: 'one that is idle in a transaction for long was not given back: see state and state_change in pg_stat_activity',
    };
  },
};

function hintOf(reason: string | undefined): { hint?: string } {
  return reason === undefined ? {} : { hint: `the first look that was missed: ${reason}` };
}
