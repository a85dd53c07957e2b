/** Until when the data of an environment has been looked at, and by which checks. */
export interface Watermark {
  /** digest of the checks, their SQL and the window in which they were asked */
  readonly of: string;
  /** which server and database it is true for */
  readonly server: string;
  /** all that was written before has been looked at and was good; by the server's clock, ISO 8601 */
  readonly at: string;
  readonly sweep: Sweep;
}

/** The last run that looked at everything and was good. */
export interface Sweep {
  readonly snapshotAt: string;
  /** from where the incremental runs after it looked at changes */
  readonly watermark: string;
  /** what it found all the same (warnings), by the id of the check */
  readonly findings: Readonly<Record<string, SweptFindings>>;
}

export interface SweptFindings {
  readonly count: number;
  /** what tells them from others; null when there are too many to keep */
  readonly keys: readonly string[] | null;
}

/** Where the watermarks of all environments are kept. */
export interface Watermarks {
  /** `damaged`: why what is kept there cannot be used */
  read(environment: string): { readonly marks: readonly Watermark[]; readonly damaged: string | null };
  /** reads, changes and writes while no other process does */
  change(environment: string, how: (marks: readonly Watermark[]) => readonly Watermark[]): Promise<void>;
  /** runs it unless another process sweeps with the same digest; `busy` says which one */
  sweepAlone<T>(
    environment: string,
    of: string,
    sweep: () => Promise<T>,
  ): Promise<{ readonly swept: T } | { readonly busy: string }>;
}

/** What one good run says. */
export interface Advance {
  readonly mark: Watermark;
  /** the watermark from which on it looked at changes; null: it looked at everything */
  readonly from: string | null;
}

/** Of as many kinds of runs the marks are kept; the others have not been used for longest. */
const kept = 20;

/**
 * The marks after a good run. Another run may have moved them meanwhile: they never go backwards, nor over a time that
 * nobody looked at.
 */
export function advanced(marks: readonly Watermark[], { mark, from }: Advance): readonly Watermark[] {
  const known = marks.find(({ of }) => of === mark.of);
  const others = marks.filter((other) => other !== known);
  const put = (next: Watermark) => [next, ...others].slice(0, kept);
  if (known === undefined || known.server !== mark.server) return from === null ? put(mark) : marks;
  if (from !== null && known.at < from) return marks;
  const sweep = mark.sweep.snapshotAt > known.sweep.snapshotAt ? mark.sweep : known.sweep;
  return put({ ...mark, sweep, at: mark.at > known.at ? mark.at : known.at });
}
