import type { CheckRun } from '../check-run.ts';

/** Findings of one check that somebody answers for until a time. It names findings by hashes, and no student. */
export interface Acceptance {
  readonly check: string;
  readonly environment: string;
  /** ISO 8601; from then on the findings count again */
  readonly until: string;
  readonly owner: string;
  readonly reason: string;
  /** ISO 8601 */
  readonly acceptedAt: string;
  readonly acceptedBy: string;
  /** what tells one finding from another, as `keyExpression` gives it */
  readonly keys: readonly string[];
}

export type Baseline = readonly Acceptance[];

/** The file that acceptances are kept in. */
export interface BaselineStore {
  readonly file: string;
  /** undefined when there is none yet */
  read(): string | undefined;
  /** One at a time on this machine; readers see the old text or the new. */
  update(change: (text: string | undefined) => string): Promise<void>;
}

/** What a run of checks has to know of the baseline. */
export interface KnownFindings {
  /** keys, by the id of their check */
  readonly accepted: ReadonlyMap<string, readonly string[]>;
  /** acceptances that have run out, by the id of their check */
  readonly expired: ReadonlyMap<string, number>;
}

export const nothingKnown: KnownFindings = { accepted: new Map(), expired: new Map() };

export function knownFindings(baseline: Baseline, environment: string, now: Date): KnownFindings {
  const accepted = new Map<string, readonly string[]>();
  const expired = new Map<string, number>();
  for (const acceptance of baseline.filter((one) => one.environment === environment)) {
    const { check, keys } = acceptance;
    if (hasRunOut(acceptance, now)) expired.set(check, (expired.get(check) ?? 0) + 1);
    else accepted.set(check, [...(accepted.get(check) ?? []), ...keys]);
  }
  return { accepted, expired };
}

export function hasRunOut({ until }: Pick<Acceptance, 'until'>, now: Date): boolean {
  return new Date(until) <= now;
}

/** A finding is in one acceptance only: those of the new one are taken out of all that were before. */
export function withAcceptance(baseline: Baseline, added: Acceptance): Baseline {
  const keys = new Set(added.keys);
  const others = baseline.map((one) =>
    isOf(one, added.environment, added.check)
      ? { ...one, keys: one.keys.filter((key) => !keys.has(key)) }
      : one,
  );
  return [...others.filter((one) => one.keys.length > 0), added];
}

export function withoutChecks(baseline: Baseline, environment: string, checks: readonly string[]): Baseline {
  return baseline.filter((one) => !checks.some((check) => isOf(one, environment, check)));
}

/** Without the findings that are gone. `present`: keys that are still found, by check; other checks stay as they are. */
export function pruned(
  baseline: Baseline,
  environment: string,
  present: ReadonlyMap<string, ReadonlySet<string>>,
): Baseline {
  return baseline
    .map((one) => {
      const found = one.environment === environment ? present.get(one.check) : undefined;
      return found === undefined ? one : { ...one, keys: one.keys.filter((key) => found.has(key)) };
    })
    .filter(({ keys }) => keys.length > 0);
}

function isOf(acceptance: Acceptance, environment: string, check: string): boolean {
  return acceptance.environment === environment && acceptance.check === check;
}

/** Says what of the baseline is gone from the data. A run that did not look at everything cannot tell. */
export function withGoneNotes(run: CheckRun, { accepted, expired }: KnownFindings): CheckRun {
  if (run.scope !== null) return run;
  const gone = run.outcomes.flatMap(({ id, findings, accepted: matched }) => {
    if (findings === null) return [];
    const keys = accepted.get(id)?.length ?? 0;
    const lost = keys - matched;
    if (lost > 0)
      return [
        `${id}: ${lost} of ${keys} accepted ${keys === 1 ? 'finding' : 'findings'} ${lost === 1 ? 'is' : 'are'} gone`,
      ];
    return findings === matched && expired.has(id)
      ? [`${id}: the findings of what has run out are gone`]
      : [];
  });
  if (gone.length === 0) return run;
  const note = `${gone.join('; ')}; they can be removed: examctl integrity baseline prune`;
  return { ...run, notes: [...run.notes, note] };
}
