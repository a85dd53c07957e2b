import { defineFault } from './fault.ts';

export const clockSkew = defineFault({
  id: 'clock-skew',
  title: 'students ask with tokens of a clock that is off; nothing of the environment is changed',
  expectation: 'a clock that is off by minutes disturbs nobody: what counts is the clock of the platform',
  nature: 'lasting',
  defaultSeconds: 10,
  maxSeconds: 300,
  parameters: [{ name: 'skew', kind: 'number', unit: 's', initial: 120, min: -86_400, max: 86_400 }],
  toleratedErrorRate: 0.02,
  mayFail: [],
  stopIf: [],
  impact: 'only the probes of examctl ask with the wrong clock',
  hits: () => "examctl's own probes",
  alternatives: [],
  needs: null,
  changes: async () => [],
});
