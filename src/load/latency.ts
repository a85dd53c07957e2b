import type { Latency } from './load-result.ts';

export interface LatencyRecorder {
  record(ms: number): void;
  summary(): Latency | null;
}

/** Microseconds with three significant digits, up to an hour, in memory that does not grow with the requests. */
export async function latencyRecorders(): Promise<() => LatencyRecorder> {
  const { build } = await import('hdr-histogram-js');
  return () => {
    const histogram = build({ highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: 3 });
    let sum = 0;
    let max = 0;
    const percentile = (percent: number) =>
      milliseconds(Math.min(histogram.getValueAtPercentile(percent) / 1000, max));
    return {
      record: (ms) => {
        histogram.recordValue(Math.min(3_600_000_000, Math.max(0, Math.round(ms * 1000))));
        sum += ms;
        max = Math.max(max, ms);
      },
      summary: () =>
        histogram.totalCount === 0
          ? null
          : {
              mean: milliseconds(sum / histogram.totalCount),
              p50: percentile(50),
              p90: percentile(90),
              p95: percentile(95),
              p99: percentile(99),
              max: milliseconds(max),
            },
    };
  };
}

/** Of few values, exactly: the smallest that at least `percent` of them do not exceed. Null of none. */
export function percentileOf(values: readonly number[], percent: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  return value === undefined ? null : milliseconds(value);
}

function milliseconds(value: number): number {
  return Math.round(value * 100) / 100;
}
