import type { Disturbance } from '../lifecycle/disturbance.ts';
import type { Service } from '../lifecycle/environment.ts';
import { disturbed, services } from './changes.ts';
import { defineFault } from './fault.ts';
import { numberOf, textOf, type Values } from './parameters.ts';

export const memoryStress = defineFault({
  id: 'memory-stress',
  title: 'most of the memory that a service may use is taken',
  expectation: 'it works on within what is left; where it does not, it is ended and comes back by itself',
  nature: 'lasting',
  defaultSeconds: 30,
  maxSeconds: 300,
  parameters: [
    { name: 'service', kind: 'choice', initial: 'backend', choices: services },
    { name: 'share', kind: 'number', unit: 'of its limit', initial: 0.5, min: 0.01, max: 0.9 },
  ],
  toleratedErrorRate: 0.1,
  mayFail: [
    'read-works',
    'ready',
    'health-root',
    'health-api',
    'services-running',
    'ready-cache',
    'cache-answers',
  ],
  stopIf: ['error_rate>0.5'],
  impact: 'pages take longer, or fail when the service is ended for lack of memory',
  hits: (values) => textOf(values, 'service'),
  alternatives: ['cpu-stress', 'worker-kill'],
  needs: stress,
  changes: async ({ values, seconds }) => [
    disturbed('memory-stress', stress(values), {
      target: `memory of ${textOf(values, 'service')}`,
      after: `${Math.round(numberOf(values, 'share') * 100)} % of its limit taken`,
      seconds,
    }),
  ],
});

function stress(values: Values): Disturbance {
  return { kind: 'memory', service: textOf(values, 'service') as Service, share: numberOf(values, 'share') };
}
