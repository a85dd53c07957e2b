import type { Environment } from '../lifecycle/environment.ts';
import type { Report } from '../report/report.ts';

/** Flags that every command takes (DESIGN 7). */
export interface GlobalOptions {
  readonly env?: string;
  readonly config?: string;
  readonly output?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly confirm?: string;
  readonly reason?: string;
  /** milliseconds for the whole command */
  readonly timeout?: number;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly debug: boolean;
  readonly breakGlass: boolean;
}

/** Lines on stderr: a changing line on a terminal, plain lines elsewhere, nothing with --quiet. */
export interface Progress {
  /** starts (or replaces) the current activity; `seconds` is what it is expected to take, for the time left */
  start(text: string, seconds?: number): void;
  /** says more about the current activity: "120 of 300 answers, 0 errors" */
  update(text: string): void;
  /** ends the current activity */
  done(text?: string): void;
  /** a line of its own that stays: warnings, things that a person must know */
  note(text: string): void;
}

/** What a command gets from main; each takes just the members that it uses. */
export interface Context {
  readonly options: GlobalOptions;
  /** aborted by SIGINT, SIGTERM, SIGHUP and --timeout */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** prints in the wanted format and sets the exit code */
  report(report: Report): void;
  /** the environment of --env, opened; throws UsageError or ConfigError */
  openEnvironment(): Promise<Environment>;
}
