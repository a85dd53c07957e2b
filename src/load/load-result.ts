import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Cause } from './failure.ts';
import type { ProfileName, ScenarioId } from './scenario.ts';

/** Milliseconds, over requests that were accepted (2xx); a refusal that comes fast says nothing about speed. */
export interface Latency {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface RequestCounts {
  readonly requests: number;
  /** without a 2xx answer */
  readonly failed: number;
}

export interface EndpointResult extends RequestCounts {
  /** null: no request was accepted */
  readonly latency: Latency | null;
}

export interface Engine {
  readonly name: 'k6' | 'builtin';
  readonly version: string;
}

/** What the load generator took of this machine. */
export interface GeneratorUse {
  /** on average; null: not known on this system */
  readonly busyCores: number | null;
  /** that it could have used */
  readonly usableCores: number;
}

/** The same for both engines. Requests are those of the measured window unless it says otherwise. */
export interface LoadResult extends RequestCounts {
  readonly scenario: ScenarioId;
  readonly profile: ProfileName;
  readonly engine: Engine;
  readonly startedAt: string;
  readonly endedAt: string;
  /** it was stopped before its end */
  readonly aborted: boolean;
  readonly virtualStudents: number;
  readonly studentsFinished: number;
  /** could not be submitted; they expire by themselves */
  readonly sessionsLeftOpen: number;
  readonly errorRate: number;
  /** "200" -> count; "0" counts requests without an answer */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly latency: Latency | null;
  readonly generator: GeneratorUse & { readonly lag: Latency | null };
  readonly perEndpoint: Readonly<Record<string, EndpointResult>>;
  /** requests before and after the measured window */
  readonly notMeasured: RequestCounts & { readonly byStatus: Readonly<Record<string, number>> };
  /** what failed in any phase, by endpoint and status, with what was said first */
  readonly causes: readonly Cause[];
  /** absolute: each attempted write, LedgerLine */
  readonly ledgerFile: string;
  /** absolute: each request, Sample */
  readonly samplesFile: string;
  /** absolute: each second, TimelineSecond */
  readonly timelineFile: string;
  /** absolute: counts and histograms, MachineTally, for examctl load merge */
  readonly tallyFile: string;
  readonly outcomes: readonly OutcomeRecord[];
}

/** One second of the measured window; seconds without a request are in it, too. */
export interface TimelineSecond extends RequestCounts {
  /** ISO 8601, the second's begin; a request belongs to the second in which it was sent */
  readonly t: string;
  readonly p95: number | null;
}

export interface LoadProgress extends RequestCounts {
  /** since the engine started, of the seconds that it will take */
  readonly elapsedSeconds: number;
  readonly seconds: number;
  readonly phase: 'preparing' | 'measuring' | 'ending';
  /** virtual students whose visit has begun and not ended; null: the engine has not said */
  readonly students: number | null;
  /** of the last seconds */
  readonly requestsPerSecond: number;
}
