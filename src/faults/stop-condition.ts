import { UsageError } from '../lifecycle/errors.ts';

/** Of the pulse of the last seconds. */
export const metrics = ['error_rate', 'p95_ms'] as const;
export type Metric = (typeof metrics)[number];

/** A limit at which a fault is ended early. */
export interface StopCondition {
  /** as it was written: "error_rate>0.05" */
  readonly text: string;
  readonly metric: Metric;
  readonly limit: number;
}

export function parseStopCondition(text: string): StopCondition {
  const [, metric, limit = ''] = /^\s*(\w+)\s*>\s*(\S+)\s*$/.exec(text) ?? [];
  const value = Number(limit);
  const isLimit = limit !== '' && Number.isFinite(value) && value >= 0;
  // a share is never above 1: whoever writes 5 means 5 %, and would wait for it in vain
  if (!metrics.includes(metric as Metric) || !isLimit || (metric === 'error_rate' && value >= 1)) {
    throw new UsageError(`"${text}" is no condition`, {
      hint: 'as error_rate>0.05 (share of requests that fail, below 1) or p95_ms>2000',
    });
  }
  return { text: text.replace(/\s/g, ''), metric: metric as Metric, limit: value };
}

/** What is crossed; a metric that cannot be computed crosses nothing. */
export function crossed(
  conditions: readonly StopCondition[],
  now: Readonly<Record<Metric, number | null>>,
): string | null {
  for (const { text, metric, limit } of conditions) {
    const value = now[metric];
    if (value !== null && value > limit) return `${text}: it was ${Math.round(value * 1000) / 1000}`;
  }
  return null;
}
