/** A number of findings, or a share (0..1) of what the check looks at. */
export type FindingLimit = { readonly count: number } | { readonly share: number };

/** From these limits on, findings are a warning, or a failure; below both they pass. */
export interface CheckThresholds {
  readonly warn?: FindingLimit;
  readonly fail?: FindingLimit;
}

/** Limits as somebody wrote them, before it is known which checks there are. */
export interface WrittenThresholds {
  readonly check: string;
  readonly thresholds: CheckThresholds;
  /** "examctl.yaml:9:5" */
  readonly where: string;
}

/** "3", "0", "0.5%" */
export function parseFindingLimit(text: string | number): FindingLimit | undefined {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(String(text).trim()) ?? [];
  if (number === undefined) return undefined;
  if (percent === '%') return Number(number) > 100 ? undefined : { share: Number(number) / 100 };
  return Number.isSafeInteger(Number(number)) ? { count: Number(number) } : undefined;
}
