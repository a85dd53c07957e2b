import type { Failure } from './failure.ts';
import type { LoadPlan } from './load-plan.ts';
import type { Sample } from './sample.ts';

/** k6, found and new enough; or why not, as the end of "k6 is not used: ..." */
export type K6Found =
  | { readonly binary: string; readonly version: string }
  | { readonly missing: string; readonly hint: string };

export interface K6Run {
  readonly binary: string;
  /** file name in k6/scenarios, without .js */
  readonly script: string;
  /** handed to the script; holds tokens */
  readonly plan: { readonly baseUrl: string };
  readonly ledgerFile: string;
  /** ends the run within 5 seconds */
  readonly signal: AbortSignal;
  /** k6 has not come to its end by then: it is ended */
  readonly timeoutSeconds: number;
  onSample(sample: Sample): void;
  /** at least the first of each endpoint and status, as it was said */
  onFailure(failure: {
    readonly endpoint: string;
    readonly status: number;
    readonly body: unknown;
    readonly requestId: string | null;
  }): void;
  /** virtual students at work */
  onStudents?(count: number): void;
}

export interface K6Ending {
  /** by k6's own count of the same thresholds */
  readonly thresholdsCrossed: boolean;
  /** all requests, from the summary; null when k6 did not come to write one */
  readonly requests: number | null;
  readonly aborted: boolean;
  /** cores that k6 kept busy, on average; null: not known on this system */
  readonly busyCores: number | null;
}

export interface LoadHttpAnswer {
  /** 0: no answer */
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterSeconds: number | null;
  /** this machine had no socket left for it */
  readonly unsent?: true;
  /** what the platform calls the request */
  readonly requestId?: string;
}

export interface LoadHttp {
  request(request: {
    readonly method: 'GET' | 'POST';
    readonly path: string;
    readonly token: string;
    readonly body?: unknown;
    /** the connection is closed then, whether there is an answer or not */
    readonly giveUpMs?: number;
    readonly signal: AbortSignal;
  }): Promise<LoadHttpAnswer>;
  close(): Promise<void>;
}

/** A load plan, or a part of it, for one engine. */
export interface EngineJob {
  readonly plan: LoadPlan;
  /** lines are added at its end: several engines may have the same */
  readonly ledgerFile: string;
  readonly signal: AbortSignal;
  onSample(sample: Sample): void;
  /** at least the first of each endpoint and status */
  onFailure(failure: Failure): void;
  onStudents?(count: number): void;
}

export interface EngineEnding {
  readonly aborted: boolean;
  readonly busyCores: number | null;
}

/** What a load run needs of the world; built in main. */
export interface LoadPorts {
  findK6(): Promise<K6Found>;
  runK6(run: K6Run): Promise<K6Ending>;
  /** the built-in engine in a process of its own */
  runWorker(job: EngineJob): Promise<EngineEnding>;
  /** each file of k6/, by its path in there */
  k6Scripts(): Promise<Readonly<Record<string, string>>>;
  installK6(options: {
    readonly signal: AbortSignal;
    onProgress(text: string): void;
  }): Promise<{ readonly binary: string; readonly version: string; readonly wasThere: boolean }>;
  openHttp(options: {
    readonly baseUrl: string;
    readonly connections: number;
    readonly timeoutSeconds: number;
  }): LoadHttp;
}
