import { percentileOf } from './latency.ts';
import type { TimelineSecond } from './load-result.ts';
import { isFailed, type Sample } from './sample.ts';

interface Second {
  requests: number;
  failed: number;
  readonly accepted: number[];
}

/** What happened in each second, to set it against the time of a fault. */
export class Timeline {
  readonly #seconds = new Map<number, Second>();

  add(sample: Sample): void {
    const key = Math.floor(sample.at / 1000);
    const second = this.#seconds.get(key) ?? { requests: 0, failed: 0, accepted: [] };
    this.#seconds.set(key, second);
    second.requests += 1;
    if (isFailed(sample)) second.failed += 1;
    else second.accepted.push(sample.ms);
  }

  /** A second without requests is told, too: a backend that answers nothing must not look like a short run. */
  seconds(): TimelineSecond[] {
    const keys = [...this.#seconds.keys()].sort((a, b) => a - b);
    const [first = 0] = keys;
    const length = keys.length === 0 ? 0 : (keys.at(-1) ?? first) - first + 1;
    return Array.from({ length }, (_, index) => {
      const second = this.#seconds.get(first + index);
      return {
        t: new Date((first + index) * 1000).toISOString(),
        requests: second?.requests ?? 0,
        failed: second?.failed ?? 0,
        p95: percentileOf(second?.accepted ?? [], 95),
      };
    });
  }
}
