import type { Environment } from '../lifecycle/environment.ts';

export interface HelperWork {
  /** as text, as they came on the command line; "" where one is missing */
  option(name: string): string;
  /** opened when it is asked for: most helpers need none */
  environment(): Promise<Environment>;
  /** what the helper does is in effect from now on */
  ready(): void;
  /** aborted when its time is over */
  readonly signal: AbortSignal;
}

/**
 * A process of its own that makes a disturbance as long as it lives. It is ended by SIGKILL, so that it must leave
 * nothing that its end does not take away by itself.
 */
export interface HelperDefinition {
  readonly name: string;
  run(work: HelperWork): Promise<void>;
}
