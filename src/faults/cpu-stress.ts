import type { Disturbance } from '../lifecycle/disturbance.ts';
import type { Service } from '../lifecycle/environment.ts';
import { disturbed, services } from './changes.ts';
import { defineFault } from './fault.ts';
import { numberOf, textOf, type Values } from './parameters.ts';

export const cpuStress = defineFault({
  id: 'cpu-stress',
  title: 'processor cores are kept busy beside a service',
  expectation: 'requests take longer; none fails',
  nature: 'lasting',
  defaultSeconds: 30,
  maxSeconds: 300,
  parameters: [
    { name: 'service', kind: 'choice', initial: 'backend', choices: services },
    { name: 'cores', kind: 'number', unit: 'cores', initial: 2, min: 1, max: 32, isWhole: true },
  ],
  toleratedErrorRate: 0.05,
  mayFail: ['read-works', 'ready', 'health-root', 'health-api', 'services-running'],
  stopIf: ['error_rate>0.5'],
  impact: 'pages take longer',
  hits: (values) => `${textOf(values, 'service')}, and what else runs on its machine`,
  alternatives: ['network-delay'],
  needs: stress,
  changes: async ({ values, seconds }) => [
    disturbed('cpu-stress', stress(values), {
      target: `processor of ${textOf(values, 'service')}`,
      after: `${numberOf(values, 'cores')} cores kept busy`,
      seconds,
    }),
  ],
});

function stress(values: Values): Disturbance {
  return { kind: 'cpu', service: textOf(values, 'service') as Service, cores: numberOf(values, 'cores') };
}
