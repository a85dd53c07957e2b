export type Endpoint =
  | 'create-session'
  | 'read-session'
  | 'answer'
  | 'submit'
  | 'submit-again'
  | 'refresh-token';

/**
 * `setup` prepares the measured window, `teardown` ends the sessions, `lost` is sent over a connection that is cut on
 * purpose; none of them is measured.
 */
export type Phase = 'setup' | 'measured' | 'lost' | 'teardown';

/** One HTTP request, as both engines report it. */
export interface Sample {
  /** milliseconds since 1970 at which it was sent */
  readonly at: number;
  /**
   * from when it was due until its answer was there: a request that had to wait for an earlier one waited, too (no
   * coordinated omission). What is sent without a plan, as a second try, is due when it is sent.
   */
  readonly ms: number;
  /** milliseconds that the load generator itself was late: after it was due, and the student free to send it */
  readonly lag: number;
  readonly endpoint: string;
  readonly phase: Phase;
  /** 0: no answer */
  readonly status: number;
  /** it was never sent: this machine had no socket left for it */
  readonly unsent?: true;
}

export function isFailed({ status }: Pick<Sample, 'status'>): boolean {
  return status < 200 || status >= 300;
}
