import type { Outcome } from '../lifecycle/outcome.ts';

export type Colour = 'green' | 'yellow' | 'red' | 'magenta' | 'dim';

/** The word always stands beside the mark, so nothing depends on seeing colours. */
export const outcomeMarks: Readonly<Record<Outcome, { readonly mark: string; readonly colour: Colour }>> = {
  pass: { mark: '✔', colour: 'green' },
  warn: { mark: '!', colour: 'yellow' },
  fail: { mark: '✖', colour: 'red' },
  unknown: { mark: '?', colour: 'magenta' },
  skipped: { mark: '-', colour: 'dim' },
};

const verdictColours: Readonly<Record<string, Colour>> = {
  GO: 'green',
  'NO-GO': 'red',
  INCONCLUSIVE: 'magenta',
};

export function verdictColour(verdict: string): Colour {
  return verdictColours[verdict] ?? 'magenta';
}
