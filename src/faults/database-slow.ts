import type { Disturbance } from '../lifecycle/disturbance.ts';
import { disturbed } from './changes.ts';
import { defineFault } from './fault.ts';
import { numberOf, type Values } from './parameters.ts';

export const databaseSlow = defineFault({
  id: 'database-slow',
  title: 'each statement takes longer',
  expectation:
    'requests take longer by their number of statements; none fails before the limits of the platform',
  nature: 'lasting',
  defaultSeconds: 30,
  maxSeconds: 300,
  parameters: [{ name: 'delay', kind: 'number', unit: 'ms a statement', initial: 100, min: 1, max: 5_000 }],
  toleratedErrorRate: 0.05,
  mayFail: ['read-works', 'ready', 'ready-database', 'health-root', 'health-api'],
  stopIf: ['error_rate>0.5'],
  impact: 'every page waits for the database',
  hits: () => 'every statement of the backend',
  alternatives: ['cpu-stress', 'connection-exhaustion'],
  needs: delay,
  changes: async ({ values, seconds }) => [
    disturbed('database-slow', delay(values), {
      target: 'statements of backend',
      after: `${numberOf(values, 'delay')} ms later`,
      seconds,
    }),
  ],
});

function delay(values: Values): Disturbance {
  return { kind: 'network-delay', from: 'backend', to: 'database', milliseconds: numberOf(values, 'delay') };
}
