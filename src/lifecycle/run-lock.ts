/** Keeps two operators off one environment: a lease with a holder, a heartbeat and a fencing epoch. */
export interface LockHolder {
  readonly run: string;
  readonly actor: string;
  readonly host: string;
  readonly pid: number;
  readonly operation: string;
  readonly reason: string | null;
  /** all that may still act for the run: its own process and its guardian; none: who took it did not say */
  readonly processes?: readonly RunProcess[];
}

/** A process, told so that another one can judge whether it lives. */
export interface RunProcess {
  readonly pid: number;
  /** with the boot: the same pid of another boot, or of a later process, is another process */
  readonly startTime: string;
  readonly host: string;
  /** of its ids: a container counts its own */
  readonly namespace: string | null;
}

/** What can be said from here of a process: one that lives elsewhere cannot be seen. */
export type Life = 'alive' | 'gone' | 'elsewhere';

export interface LockState {
  readonly holder: LockHolder;
  readonly epoch: number;
  readonly where: 'database' | 'file';
  /** ISO 8601 */
  readonly acquiredAt: string;
  readonly expiresAt: string;
  readonly expired: boolean;
}

export interface HeldLock {
  /** grows with every holder; who has a smaller one than the environment knows has lost the lock */
  readonly epoch: number;
  readonly where: 'database' | 'file';
  /** why it is only a file, when it is */
  readonly why?: string;
  /** a process that acts for the run, too: the lease is not void before it is gone */
  joinedBy(pid: number): Promise<void>;
  /** false once another holder has taken it over; true while that cannot be asked */
  stillHeld(): Promise<boolean>;
  release(): Promise<void>;
}

export interface RunLocks {
  /**
   * Takes the lease or throws Refused naming its holder. An expired lease, and one of the run `takeOverFrom`,
   * may be taken over.
   */
  acquire(holder: LockHolder, options?: { takeOverFrom?: string }): Promise<HeldLock>;
  current(): Promise<LockState | null>;
  /** releases whoever holds it, or only the given run; returns what was released */
  forceRelease(onlyOf?: string): Promise<LockState | null>;
}

/** A lease lasts this long without a heartbeat; the holder beats three times as often. */
export const leaseMilliseconds = 15_000;
export const heartbeatMilliseconds = 5_000;
