import { type LatencyRecorder, latencyRecorders } from './latency.ts';
import type { EndpointResult, Latency, RequestCounts } from './load-result.ts';
import { isFailed, type Sample } from './sample.ts';
import { Timeline } from './timeline.ts';

export interface PhaseTally extends RequestCounts {
  readonly byStatus: Readonly<Record<string, number>>;
}

class Counts {
  requests = 0;
  failed = 0;
  readonly byStatus: Record<string, number> = {};

  add(sample: Sample): void {
    this.requests += 1;
    if (isFailed(sample)) this.failed += 1;
    this.byStatus[sample.status] = (this.byStatus[sample.status] ?? 0) + 1;
  }
}

/** Adds up the requests of a run while they come in, in any order. */
export class Tally {
  readonly measured = new Counts();
  readonly notMeasured = new Counts();
  readonly timeline = new Timeline();
  /** answers and submits of all phases: the ledger must have as many */
  writes = 0;
  /** requests for which this machine had no socket */
  unsent = 0;
  readonly #newLatency: () => LatencyRecorder;
  readonly #latency: LatencyRecorder;
  readonly #lag: LatencyRecorder;
  readonly #endpoints = new Map<string, { counts: Counts; latency: LatencyRecorder }>();

  static async create(): Promise<Tally> {
    return new Tally(await latencyRecorders());
  }

  private constructor(newLatency: () => LatencyRecorder) {
    this.#newLatency = newLatency;
    this.#latency = newLatency();
    this.#lag = newLatency();
  }

  add(sample: Sample): void {
    if (sample.endpoint === 'answer' || sample.endpoint.startsWith('submit')) this.writes += 1;
    if (sample.phase !== 'measured') {
      this.notMeasured.add(sample);
      return;
    }
    this.measured.add(sample);
    this.#lag.record(sample.lag);
    if (sample.unsent) this.unsent += 1;
    this.timeline.add(sample);
    const endpoint = this.#endpoint(sample.endpoint);
    endpoint.counts.add(sample);
    if (isFailed(sample)) return;
    this.#latency.record(sample.ms);
    endpoint.latency.record(sample.ms);
  }

  latency(): Latency | null {
    return this.#latency.summary();
  }

  /** how late the load generator was with its requests */
  lag(): Latency | null {
    return this.#lag.summary();
  }

  perEndpoint(): Record<string, EndpointResult> {
    const entries = [...this.#endpoints].sort(([a], [b]) => a.localeCompare(b));
    return Object.fromEntries(
      entries.map(([name, { counts, latency }]) => [
        name,
        { requests: counts.requests, failed: counts.failed, latency: latency.summary() },
      ]),
    );
  }

  #endpoint(name: string) {
    const known = this.#endpoints.get(name);
    if (known !== undefined) return known;
    const endpoint = { counts: new Counts(), latency: this.#newLatency() };
    this.#endpoints.set(name, endpoint);
    return endpoint;
  }
}
