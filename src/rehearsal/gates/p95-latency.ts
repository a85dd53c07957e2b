import type { Gate } from './gate.ts';

export const p95Latency: Gate = {
  id: 'p95-latency',
  title: '95 of 100 requests are answered in time',
  needs: ['loads'],
  judge: ({ loads }, { p95Ms }) => {
    const unseen = loads.filter(({ latency }) => latency === null);
    if (unseen.length > 0) {
      return {
        outcome: 'unknown',
        message: `no accepted request in ${unseen.map(({ scenario }) => scenario).join(', ')}`,
      };
    }
    const message = loads
      .map(({ scenario, latency }) => `${scenario} ${Math.round(latency?.p95 ?? 0)} ms`)
      .join(', ');
    const slow = loads.filter(({ latency }) => (latency?.p95 ?? 0) >= p95Ms);
    if (slow.length === 0) return { outcome: 'pass', message: `p95: ${message}; limit ${p95Ms} ms` };
    return {
      outcome: 'fail',
      message: `p95: ${message}; limit ${p95Ms} ms`,
      hint: 'slow statements are in evidence/metrics.json, slow endpoints in evidence/load.json',
    };
  },
};
