import { z } from 'zod';
import type { Cause, Failure } from './failure.ts';
import { encodedLatency, type LatencyRecorder, latencyRecorders } from './latency.ts';
import type { EndpointResult, Latency, RequestCounts } from './load-result.ts';
import { isFailed, type Sample } from './sample.ts';
import { Timeline } from './timeline.ts';

export interface PhaseTally extends RequestCounts {
  readonly byStatus: Readonly<Record<string, number>>;
}

const count = z.int().nonnegative();
const encodedCounts = z.object({ requests: count, failed: count, byStatus: z.record(z.string(), count) });

/** A tally as JSON: those of several machines add up to one. */
export const encodedTally = z.object({
  measured: encodedCounts,
  notMeasured: encodedCounts,
  writes: count,
  unsent: count,
  latency: encodedLatency,
  lag: encodedLatency,
  endpoints: z.record(z.string(), z.object({ counts: encodedCounts, latency: encodedLatency })),
  causes: z
    .array(
      z.object({
        endpoint: z.string(),
        status: count,
        times: count,
        first: z.object({ said: z.string(), requestId: z.string().nullable() }).nullable(),
      }),
    )
    // a machine of before
    .default([]),
});

export type EncodedTally = z.infer<typeof encodedTally>;

class Counts {
  requests = 0;
  failed = 0;
  readonly byStatus: Record<string, number> = {};

  note(sample: Sample): void {
    this.add({ requests: 1, failed: isFailed(sample) ? 1 : 0, byStatus: { [sample.status]: 1 } });
  }

  add({ requests, failed, byStatus }: PhaseTally): void {
    this.requests += requests;
    this.failed += failed;
    for (const [status, times] of Object.entries(byStatus))
      this.byStatus[status] = (this.byStatus[status] ?? 0) + times;
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

  readonly #causes = new Map<string, Cause>();

  static async create(): Promise<Tally> {
    return new Tally(await latencyRecorders());
  }

  private constructor(newLatency: () => LatencyRecorder) {
    this.#newLatency = newLatency;
    this.#latency = newLatency();
    this.#lag = newLatency();
  }

  add(sample: Sample): void {
    // what is lost on purpose has no cause
    if (isFailed(sample) && sample.phase !== 'lost') this.#addCause({ ...sample, times: 1, first: null });
    if (sample.endpoint === 'answer' || sample.endpoint.startsWith('submit')) this.writes += 1;
    if (sample.phase !== 'measured') {
      this.notMeasured.note(sample);
      return;
    }
    this.measured.note(sample);
    this.#lag.record(sample.lag);
    if (sample.unsent) this.unsent += 1;
    this.timeline.add(sample);
    const endpoint = this.#endpoint(sample.endpoint);
    endpoint.counts.note(sample);
    if (isFailed(sample)) return;
    this.#latency.record(sample.ms);
    endpoint.latency.record(sample.ms);
  }

  /** What was said of a request that is, or will be, added. */
  addFailure({ endpoint, status, ...first }: Failure): void {
    this.#addCause({ endpoint, status, times: 0, first });
  }

  /** of all phases, the most frequent first */
  causes(): Cause[] {
    return [...this.#causes.values()].filter(({ times }) => times > 0).sort((a, b) => b.times - a.times);
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

  encoded(): EncodedTally {
    const plain = ({ requests, failed, byStatus }: Counts) => ({ requests, failed, byStatus });
    return {
      measured: plain(this.measured),
      notMeasured: plain(this.notMeasured),
      writes: this.writes,
      unsent: this.unsent,
      latency: this.#latency.encoded(),
      lag: this.#lag.encoded(),
      endpoints: Object.fromEntries(
        [...this.#endpoints].map(([name, { counts, latency }]) => [
          name,
          { counts: plain(counts), latency: latency.encoded() },
        ]),
      ),
      causes: this.causes(),
    };
  }

  /** The same as if its requests had been made here. */
  addAll(other: EncodedTally): void {
    this.measured.add(other.measured);
    this.notMeasured.add(other.notMeasured);
    this.writes += other.writes;
    this.unsent += other.unsent;
    this.#latency.add(other.latency);
    this.#lag.add(other.lag);
    for (const [name, { counts, latency }] of Object.entries(other.endpoints)) {
      const endpoint = this.#endpoint(name);
      endpoint.counts.add(counts);
      endpoint.latency.add(latency);
    }
    for (const cause of other.causes) this.#addCause(cause);
  }

  #addCause({ endpoint, status, times, first }: Cause): void {
    const key = `${endpoint} ${status}`;
    const known = this.#causes.get(key);
    this.#causes.set(key, {
      endpoint,
      status,
      times: times + (known?.times ?? 0),
      first: known?.first ?? first,
    });
  }

  #endpoint(name: string) {
    const known = this.#endpoints.get(name);
    if (known !== undefined) return known;
    const endpoint = { counts: new Counts(), latency: this.#newLatency() };
    this.#endpoints.set(name, endpoint);
    return endpoint;
  }
}
