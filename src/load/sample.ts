export type Endpoint = 'create-session' | 'read-session' | 'answer' | 'submit' | 'submit-again';

/** `setup` prepares the measured window, `teardown` ends the sessions; neither is measured. */
export type Phase = 'setup' | 'measured' | 'teardown';

/** One HTTP request, as both engines report it. */
export interface Sample {
  /** milliseconds since 1970 at which it was sent */
  readonly at: number;
  readonly ms: number;
  readonly endpoint: string;
  readonly phase: Phase;
  /** 0: no answer */
  readonly status: number;
}

export function isFailed({ status }: Pick<Sample, 'status'>): boolean {
  return status < 200 || status >= 300;
}
