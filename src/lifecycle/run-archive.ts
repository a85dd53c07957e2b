import type { Journal } from './journal.ts';
import type { RunIdentity } from './run.ts';

/** Who wants the faults of a run to end, since when and why. */
export interface HaltOrder {
  readonly by: string;
  /** ISO 8601 */
  readonly at: string;
  readonly reason: string | null;
}

/** A run that has not been closed: it is at work, or its process died. */
export interface OpenRun {
  readonly id: string;
  readonly identity: RunIdentity;
  /** the run's own process lives, on this host */
  readonly alive: boolean;
}

/** The runs of this machine, open and closed. */
export interface RunArchive {
  /** ids, the latest first */
  list(): string[];
  /** the run with this id, or the only one whose id starts or ends so; throws UsageError */
  find(id: string): string;
  open(): OpenRun[];
  journal(id: string): Journal;
  /** orders a run to end its faults: the run obeys, or its guardian does when the run is late */
  orderHalt(id: string, order: HaltOrder): void;
  haltOf(id: string): HaltOrder | undefined;
  /** the run's folder */
  path(id: string): string;
  /** nothing of the run is left to be noticed */
  close(id: string): void;
}
