import { type Gate, percent, summarize } from './gate.ts';

/** Failures while a fault was injected are judged by the gate graceful-failure. */
export const errorRate: Gate = {
  id: 'error-rate',
  title: 'requests fail less often than the limit, and every student comes to the end',
  needs: ['loads'],
  judge: ({ loads, faults }, limits) => {
    const total = { requests: 0, failed: 0 };
    for (const { requests, failed } of loads) {
      total.requests += requests;
      total.failed += failed;
    }
    for (const { during } of faults) {
      total.requests -= during.requests;
      total.failed -= during.failed;
    }
    if (total.requests === 0) return { outcome: 'unknown', message: 'no request was made outside of faults' };
    if (total.requests < 0 || total.failed < 0 || total.failed > total.requests)
      return { outcome: 'unknown', message: 'more was counted during faults than in the whole load' };
    const rate = total.failed / total.requests;
    const message = `${total.failed} of ${total.requests} requests failed outside of faults (${percent(rate)}); limit ${percent(limits.errorRate)}`;
    if (rate >= limits.errorRate) return { outcome: 'fail', message };
    const finished = loads.flatMap(({ outcomes }) =>
      outcomes.filter(({ id }) => id === 'load-students-finished'),
    );
    return summarize(finished, message);
  },
};
