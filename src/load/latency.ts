import { z } from 'zod';
import type { Latency } from './load-result.ts';

export interface LatencyRecorder {
  record(ms: number): void;
  summary(): Latency | null;
  /** all that was recorded, to be added to another one: percentiles cannot be */
  encoded(): EncodedLatency;
  add(other: EncodedLatency): void;
}

/** An HDR histogram of microseconds (compressed, base64), with what it rounds: sum and longest, milliseconds. */
export const encodedLatency = z.object({ histogram: z.string(), sum: z.number(), max: z.number() });

export type EncodedLatency = z.infer<typeof encodedLatency>;

const highest = 3_600_000_000;

/** Microseconds with three significant digits, up to an hour, in memory that does not grow with the requests. */
export async function latencyRecorders(): Promise<() => LatencyRecorder> {
  const { build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } = await import('hdr-histogram-js');
  return () => {
    const histogram = build({ highestTrackableValue: highest, numberOfSignificantValueDigits: 3 });
    let sum = 0;
    let max = 0;
    const percentile = (percent: number) =>
      milliseconds(Math.min(histogram.getValueAtPercentile(percent) / 1000, max));
    return {
      record: (ms) => {
        histogram.recordValue(Math.min(highest, Math.max(0, Math.round(ms * 1000))));
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
      encoded: () => ({ histogram: encodeIntoCompressedBase64(histogram), sum, max }),
      add: (other) => {
        histogram.add(decodeFromCompressedBase64(other.histogram));
        sum += other.sum;
        max = Math.max(max, other.max);
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
