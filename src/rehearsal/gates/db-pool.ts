import { type Gate, percent } from './gate.ts';

export const dbPool: Gate = {
  id: 'db-pool',
  title: 'database connections stay below the limit of the pool',
  needs: ['pool'],
  judge: ({ pool }, { dbPool: limit }) => {
    const share = pool?.maximumWorkerShare ?? pool?.maximumShare ?? null;
    if (pool === undefined || share === null) {
      return { outcome: 'unknown', message: `no sample: ${pool?.missed[0]?.reason ?? 'nothing was seen'}` };
    }
    const full = pool.missed.filter(({ serverFull }) => serverFull).length;
    const message = `the fullest worker had ${percent(share)} of its ${pool.capacity.perWorker} connections in use, in ${pool.samples.length} samples; limit ${percent(limit)}`;
    if (full > 0) return { outcome: 'fail', message: `${message}; ${full} times the server had none left` };
    return { outcome: share < limit ? 'pass' : 'fail', message };
  },
};
