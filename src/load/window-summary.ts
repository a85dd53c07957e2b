import { open } from 'node:fs/promises';
import { percentileOf } from './latency.ts';
import type { RequestCounts } from './load-result.ts';
import { isFailed, type Sample } from './sample.ts';

export interface WindowSummary extends RequestCounts {
  readonly errorRate: number | null;
  readonly p95: number | null;
}

/** Measured requests sent from `from` until before `to`: percentiles of single seconds cannot be put together. */
export async function summarizeWindow(
  samplesFile: string,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<WindowSummary> {
  const accepted: number[] = [];
  let requests = 0;
  let failed = 0;
  for await (const line of (await open(samplesFile)).readLines()) {
    const sample = JSON.parse(line) as Sample;
    if (sample.phase !== 'measured' || sample.at < from.getTime() || sample.at >= to.getTime()) continue;
    requests += 1;
    if (isFailed(sample)) failed += 1;
    else accepted.push(sample.ms);
  }
  return {
    requests,
    failed,
    errorRate: requests === 0 ? null : failed / requests,
    p95: percentileOf(accepted, 95),
  };
}
