import { lostWith, stopped } from './changes.ts';
import { defineFault } from './fault.ts';

export const databaseOutage = defineFault({
  id: 'database-outage',
  title: 'PostgreSQL is stopped',
  expectation:
    'authenticated calls answer 500 and nothing is acknowledged; it heals without a restart of the backend',
  nature: 'lasting',
  defaultSeconds: 20,
  maxSeconds: 120,
  parameters: [],
  toleratedErrorRate: 1,
  mayFail: [...lostWith.database, 'ready-cache'],
  stopIf: [],
  impact: 'nothing can be read or stored; students see errors',
  hits: () => 'all students',
  alternatives: ['network-cut'],
  needs: () => ({ kind: 'service', service: 'database' }),
  changes: async () => [stopped('database')],
});
