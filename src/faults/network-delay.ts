import type { Disturbance } from '../lifecycle/disturbance.ts';
import { disturbed } from './changes.ts';
import { defineFault } from './fault.ts';
import { linkOf, linkParameters, linkText, mayFailBetween, unseenBetween } from './links.ts';
import { numberOf, type Values } from './parameters.ts';

export const networkDelay = defineFault({
  id: 'network-delay',
  title: 'what one service sends to another arrives later',
  expectation: 'requests take longer by each exchange between the two; none fails',
  nature: 'lasting',
  defaultSeconds: 30,
  maxSeconds: 300,
  parameters: [
    ...linkParameters,
    { name: 'delay', kind: 'number', unit: 'ms', initial: 200, min: 1, max: 10_000 },
  ],
  toleratedErrorRate: 0.05,
  mayFail: mayFailBetween,
  stopIf: ['error_rate>0.5'],
  impact: 'pages wait for each exchange between the two services',
  hits: linkText,
  unseen: unseenBetween,
  alternatives: ['database-slow', 'redis-hang'],
  needs: delay,
  changes: async ({ values, seconds }) => [
    disturbed('network-delay', delay(values), {
      target: linkText(values),
      after: `${numberOf(values, 'delay')} ms later`,
      seconds,
    }),
  ],
});

function delay(values: Values): Disturbance {
  return { kind: 'network-delay', ...linkOf(values), milliseconds: numberOf(values, 'delay') };
}
