import type { Disturbance } from '../lifecycle/disturbance.ts';
import { disturbed } from './changes.ts';
import { defineFault } from './fault.ts';
import { textOf, type Values } from './parameters.ts';

export const vendorErrors = defineFault({
  id: 'vendor-errors',
  title: 'what the platform calls outside (mail) answers with errors, or not at all',
  expectation: 'students notice nothing; what could not be sent stays queued and is sent later, once',
  nature: 'lasting',
  defaultSeconds: 30,
  maxSeconds: 300,
  parameters: [{ name: 'answer', kind: 'choice', initial: '500', choices: ['429', '500', 'timeout'] }],
  toleratedErrorRate: 0.01,
  mayFail: [],
  stopIf: ['error_rate>0.1'],
  impact: 'mails come later',
  hits: () => 'mails',
  unseen: () => 'the reads send no mail; email_outbox shows what waits',
  alternatives: [],
  needs: vendor,
  changes: async ({ values, seconds }) => [
    disturbed('vendor-errors', vendor(values), {
      target: 'vendors of the platform',
      after: `answer ${textOf(values, 'answer')}`,
      seconds,
    }),
  ],
});

function vendor(values: Values): Disturbance {
  return { kind: 'vendor', answer: textOf(values, 'answer') as '429' | '500' | 'timeout' };
}
