import { describe, expect, it } from 'vitest';
import { crossed, parseStopCondition } from '../../../src/faults/stop-condition.ts';
import { UsageError } from '../../../src/lifecycle/errors.ts';

describe('a stop condition', () => {
  it.each([
    ['error_rate>0.05', 'error_rate', 0.05],
    ['error_rate>0', 'error_rate', 0],
    [' p95_ms > 2000 ', 'p95_ms', 2_000],
  ])('is read from %j', (text, metric, limit) => {
    expect(parseStopCondition(text)).toEqual({ text: `${metric}>${limit}`, metric, limit });
  });

  it.each([
    '',
    'error_rate',
    'error_rate>',
    'error_rate>much',
    'error_rate>-1',
    'error_rate>Infinity',
    'error_rate<0.1',
    'error_rate>=0.1',
    'error_rate>0.1>0.2',
    'p99_ms>3',
    'p95_ms>2000ms',
  ])('is not read from %j, and its form is shown', (text) => {
    expect(() => parseStopCondition(text)).toThrow(UsageError);
    expect(() => parseStopCondition(text)).toThrow(`"${text}" is no condition`);
  });

  it.each(['error_rate>5', 'error_rate>1'])('that no share of requests can cross is refused: %s', (text) => {
    expect(() => parseStopCondition(text)).toThrow(UsageError);
  });

  const conditions = ['error_rate>0.2', 'p95_ms>1000'].map(parseStopCondition);

  it.each([
    [{ error_rate: 0.2, p95_ms: 1_000 }, null],
    [{ error_rate: 0.2001, p95_ms: 0 }, 'error_rate>0.2: it was 0.2'],
    [{ error_rate: 0, p95_ms: 1_000.5 }, 'p95_ms>1000: it was 1000.5'],
    [{ error_rate: 1, p95_ms: 5_000 }, 'error_rate>0.2: it was 1'],
    [{ error_rate: null, p95_ms: 5_000 }, 'p95_ms>1000: it was 5000'],
    [{ error_rate: null, p95_ms: null }, null],
  ])('is crossed above its limit only, and never by what is not known: %j', (now, text) => {
    expect(crossed(conditions, now)).toBe(text);
  });

  it('that nobody has set is never crossed', () => {
    expect(crossed([], { error_rate: 1, p95_ms: 60_000 })).toBe(null);
  });
});
