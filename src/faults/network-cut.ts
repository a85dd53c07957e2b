import type { Disturbance } from '../lifecycle/disturbance.ts';
import { disturbed } from './changes.ts';
import { defineFault } from './fault.ts';
import { linkOf, linkParameters, linkText, mayFailBetween, unseenBetween } from './links.ts';
import type { Values } from './parameters.ts';

export const networkCut = defineFault({
  id: 'network-cut',
  title: 'nothing passes between two services, and nobody is told',
  expectation:
    'as when the other service hangs: time limits end the waiting, and all is well again by itself',
  nature: 'lasting',
  defaultSeconds: 30,
  maxSeconds: 120,
  parameters: linkParameters,
  toleratedErrorRate: 1,
  mayFail: mayFailBetween,
  stopIf: [],
  impact: 'whoever needs the other service waits until a time limit ends it',
  hits: linkText,
  unseen: unseenBetween,
  alternatives: ['redis-hang', 'redis-outage', 'database-outage'],
  needs: cut,
  changes: async ({ values, seconds }) => [
    disturbed('network-cut', cut(values), { target: linkText(values), after: 'nothing passes', seconds }),
  ],
});

function cut(values: Values): Disturbance {
  return { kind: 'network-cut', ...linkOf(values) };
}
