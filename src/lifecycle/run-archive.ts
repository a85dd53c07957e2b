import { Refused } from './errors.ts';
import type { Journal } from './journal.ts';
import type { RunIdentity } from './run.ts';
import type { Life } from './run-lock.ts';

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
  /** of the run's own process */
  readonly life: Life;
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

/** It may be at work: what it changed is not to be touched, and not to be built on. */
export function cannotBeSeen({ id, identity }: OpenRun): Refused {
  const { operation, host, pid } = identity;
  return new Refused(
    `run ${id} (${operation}) was begun on ${host}, or in another container, and whether it is at work cannot be seen from here`,
    {
      hint: `look there; when its process ${pid} is gone: examctl recover ${id} --break-glass --reason "..."`,
    },
  );
}
