/**
 * The answer to one question that examctl asked: a check, a probe, a threshold, a gate.
 * `unknown` means that it could not be looked at; it is never a pass. `skipped` was not asked, and says why.
 */
export type Outcome = 'pass' | 'warn' | 'fail' | 'unknown' | 'skipped';

export interface OutcomeRecord {
  /** kebab-case, stable: scripts match on it */
  readonly id: string;
  /** what must hold, as a short sentence: "each session has a score" */
  readonly title: string;
  readonly outcome: Outcome;
  /** what was seen, with numbers and units; for `unknown` and `skipped` the reason */
  readonly message: string;
  /** what to do next, when the outcome is not pass */
  readonly hint?: string;
  /** files of the run folder, relative to it, that the outcome rests on */
  readonly evidence?: readonly string[];
  /** the line of a file that is wrong; its path is relative to the working directory, when it lies below */
  readonly at?: { readonly file: string; readonly line: number; readonly column?: number };
}

const severity: readonly Outcome[] = ['skipped', 'pass', 'warn', 'unknown', 'fail'];

/** The worst of several outcomes: fail, then unknown, warn, pass, skipped. Of none: unknown, as nothing was looked at. */
export function worst(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.length === 0) return 'unknown';
  return outcomes.reduce((a, b) => (severity.indexOf(b) > severity.indexOf(a) ? b : a));
}

/** 0 nothing bad, 1 something failed, 3 something could not be determined (DESIGN: a fail outweighs an unknown). */
export function exitCodeOf(outcomes: readonly Outcome[]): 0 | 1 | 3 {
  const overall = worst(outcomes);
  if (overall === 'fail') return 1;
  return overall === 'unknown' ? 3 : 0;
}

export type Verdict = 'GO' | 'NO-GO' | 'INCONCLUSIVE';

/** GO needs every gate to be looked at and none to fail. A gate that was skipped leaves the verdict open. */
export function verdictOf(gates: readonly OutcomeRecord[]): Verdict {
  if (gates.some((gate) => gate.outcome === 'fail')) return 'NO-GO';
  const open =
    gates.length === 0 || gates.some(({ outcome }) => outcome === 'unknown' || outcome === 'skipped');
  return open ? 'INCONCLUSIVE' : 'GO';
}
