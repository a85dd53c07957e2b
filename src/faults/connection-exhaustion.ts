import { defineFault } from './fault.ts';
import { numberOf } from './parameters.ts';

export const connectionExhaustion = defineFault({
  id: 'connection-exhaustion',
  title: "the database's connections are used up",
  expectation:
    'the backend works on with the connections that it has; requests that need another one wait, and fail after 30 s',
  nature: 'lasting',
  defaultSeconds: 30,
  maxSeconds: 120,
  parameters: [
    { name: 'share', kind: 'number', unit: "of the server's limit", initial: 0.9, min: 0.1, max: 0.95 },
  ],
  toleratedErrorRate: 0.1,
  mayFail: ['database-answers', 'read-works', 'ready', 'ready-database'],
  stopIf: ['error_rate>0.5'],
  impact: 'new connections are refused when the rest is used up, also to those who operate it',
  hits: () => 'whoever needs one more connection to the database',
  alternatives: ['database-slow'],
  needs: null,
  changes: async ({ values, seconds }) => [
    {
      target: 'connections of database',
      before: 'only those of its users',
      after: `${Math.round(numberOf(values, 'share') * 100)} % of its limit in use`,
      apply: { kind: 'connections-hold', share: numberOf(values, 'share'), lifeSeconds: seconds + 120 },
      revert: { kind: 'connections-release' },
      undoneBy: 'guardian',
      seconds: 5,
    },
  ],
});
