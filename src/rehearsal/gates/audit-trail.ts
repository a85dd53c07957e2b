import { type Gate, summarize } from './gate.ts';

export const auditTrailGate: Gate = {
  id: 'audit-trail',
  title: 'the logs say afterwards who did what when',
  needs: ['auditTrail'],
  judge: ({ auditTrail }) => {
    const records = auditTrail ?? [];
    return summarize(records, records.map(({ message }) => message).join('; '));
  },
};
