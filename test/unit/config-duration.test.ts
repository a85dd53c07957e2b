import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/config/duration.ts';
import { UsageError } from '../../src/lifecycle/errors.ts';

describe('parseDuration', () => {
  test.each([
    ['90s', 90_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['1.5s', 1_500],
    ['1m500ms', 60_500],
    ['1d', 86_400_000],
    ['0s', 0],
  ])('reads %s as %i ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(['', '5', 'm', '5 m', '-5m', '30m1h', '5M', '1h1h', 'five minutes', '.5s', '1e3s'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseDuration(text)).toThrow(UsageError);
    },
  );

  test('asks for the unit when only that is missing', () => {
    expect(() => parseDuration('90')).toThrow(expect.objectContaining({ hint: 'write 90s or 90m' }));
  });

  test('refuses what a timer cannot wait for', () => {
    expect(parseDuration('24d')).toBeLessThan(2 ** 31);
    expect(() => parseDuration('25d')).toThrow('25d is too long a duration');
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [250, '250ms'],
    [1_500, '1.5s'],
    [90_000, '1m30s'],
    [5_400_000, '1h30m'],
    [90_000_000, '1d1h'],
    [-5_000, '-5s'],
    [3_600_001, '1h0.001s'],
    [59_999.6, '1m'],
  ])('writes %d ms as %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  test('is read back as the same duration', () => {
    for (let milliseconds = 0; milliseconds < 100_000_000; milliseconds += 86_423) {
      expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
    }
  });
});
