import type { Disturbance } from '../lifecycle/disturbance.ts';
import { disturbed } from './changes.ts';
import { defineFault } from './fault.ts';
import { linkOf, linkParameters, linkText, mayFailBetween, unseenBetween } from './links.ts';
import { numberOf, type Values } from './parameters.ts';

export const networkLoss = defineFault({
  id: 'network-loss',
  title: 'packets between two services are lost',
  expectation: 'what is lost is sent again: requests take longer now and then, and hardly any fails',
  nature: 'lasting',
  defaultSeconds: 30,
  maxSeconds: 300,
  parameters: [
    ...linkParameters,
    { name: 'share', kind: 'number', unit: 'of the packets', initial: 0.05, min: 0.001, max: 0.9 },
  ],
  toleratedErrorRate: 0.1,
  mayFail: mayFailBetween,
  stopIf: ['error_rate>0.5'],
  impact: 'pages take longer now and then',
  hits: linkText,
  unseen: unseenBetween,
  alternatives: ['network-delay'],
  needs: loss,
  changes: async ({ values, seconds }) => [
    disturbed('network-loss', loss(values), {
      target: linkText(values),
      after: `${numberOf(values, 'share') * 100} % of the packets lost`,
      seconds,
    }),
  ],
});

function loss(values: Values): Disturbance {
  return { kind: 'network-loss', ...linkOf(values), share: numberOf(values, 'share') };
}
