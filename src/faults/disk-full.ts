import type { Disturbance } from '../lifecycle/disturbance.ts';
import type { Service } from '../lifecycle/environment.ts';
import { disturbed, services } from './changes.ts';
import { defineFault } from './fault.ts';
import { textOf, type Values } from './parameters.ts';

export const diskFull = defineFault({
  id: 'disk-full',
  title: "a service's scratch space (tmpfs) is full; never the disk of the machine",
  expectation: 'what needs no scratch space works on; errors are told, not swallowed',
  nature: 'lasting',
  defaultSeconds: 30,
  maxSeconds: 300,
  parameters: [
    { name: 'service', kind: 'choice', initial: 'backend', choices: services },
    { name: 'path', kind: 'text', initial: '', meaning: 'of a tmpfs in the service; none: the first' },
  ],
  toleratedErrorRate: 0.05,
  mayFail: ['services-running', 'ready'],
  stopIf: ['error_rate>0.5'],
  impact: 'what writes to scratch space fails',
  hits: (values) => `scratch space of ${textOf(values, 'service')}`,
  alternatives: ['memory-stress', 'database-outage'],
  needs: full,
  changes: async ({ values, seconds }) => [
    disturbed('disk-full', full(values), {
      target: `scratch space ${textOf(values, 'path')} of ${textOf(values, 'service')}`.replace('  ', ' '),
      after: 'full',
      seconds,
    }),
  ],
});

function full(values: Values): Disturbance {
  return { kind: 'disk', service: textOf(values, 'service') as Service, path: textOf(values, 'path') };
}
