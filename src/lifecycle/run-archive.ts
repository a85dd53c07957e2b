import type { Journal } from './journal.ts';
import type { RunIdentity } from './run.ts';

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
  /** the run's folder */
  path(id: string): string;
  /** nothing of the run is left to be noticed */
  close(id: string): void;
}
