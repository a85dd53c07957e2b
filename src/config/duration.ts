import { UsageError } from '../lifecycle/errors.ts';

const pattern =
  /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/;
const units = [86_400_000, 3_600_000, 60_000, 1_000, 1] as const;

/** setTimeout takes 2^31-1 ms; what is longer would fire at once. */
const longest = 24 * 86_400_000;

/** "90s", "5m", "1h30m" in milliseconds; throws UsageError. Also the parser of a flag. */
export function parseDuration(text: string): number {
  const problem = durationProblem(text);
  if (problem !== undefined) throw new UsageError(problem.message, { hint: problem.hint });
  return millisecondsOf(text);
}

/** Why the text is not a duration, with what to write; undefined when it is one. */
export function durationProblem(text: string): { message: string; hint: string } | undefined {
  const milliseconds = millisecondsOf(text);
  if (milliseconds <= longest) return undefined;
  if (Number.isFinite(milliseconds)) {
    return { message: `${text} is too long a duration`, hint: 'the longest is 24d' };
  }
  if (/^\d+$/.test(text)) {
    return { message: `"${text}" is a duration without its unit`, hint: `write ${text}s or ${text}m` };
  }
  return {
    message: `"${text}" is not a duration such as 90s, 5m or 1h30m`,
    hint: 'the units are d, h, m, s and ms, in this order, without spaces',
  };
}

function millisecondsOf(text: string): number {
  const amounts = pattern.exec(text)?.slice(1);
  if (text === '' || amounts === undefined) return Number.NaN;
  return Math.round(
    units.reduce((total, unit, index) => total + Number.parseFloat(amounts[index] ?? '0') * unit, 0),
  );
}

/** The shortest text that parseDuration reads as the same: 5400000 is "1h30m", 1500 is "1.5s", 250 is "250ms". */
export function formatDuration(milliseconds: number): string {
  const total = Math.round(Math.abs(milliseconds));
  if (total === 0) return '0s';
  const sign = milliseconds < 0 ? '-' : '';
  if (total < 1_000) return `${sign}${total}ms`;
  const [day, hour, minute] = units;
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(total / day), 'd'],
    [Math.floor((total % day) / hour), 'h'],
    [Math.floor((total % hour) / minute), 'm'],
    [(total % minute) / 1_000, 's'],
  ];
  return sign + parts.map(([amount, unit]) => (amount === 0 ? '' : `${amount}${unit}`)).join('');
}
