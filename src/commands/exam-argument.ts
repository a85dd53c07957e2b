import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { parseTime } from './since-argument.ts';

export interface TimeSpan {
  readonly from: Date;
  readonly to: Date;
}

const example = '2026-05-04T09:00Z/2h, or 2026-05-04T09:00Z/2026-05-04T11:00Z';

/** For commander: an interval as ISO 8601 writes it, START/END or START/DURATION. */
export function parseExam(text: string, _previous?: unknown, now = new Date()): TimeSpan {
  const [start, end, ...rest] = text.split('/');
  if (!start || !end || rest.length > 0)
    throw new InvalidArgumentError(`Give its start and end: ${example}.`);
  const from = parseTime(start);
  if (from > now) throw new InvalidArgumentError('It lies in the future: nobody has started yet.');
  const to = /^\d{4}-/.test(end) ? parseTime(end) : new Date(from.getTime() + durationOf(end));
  if (to <= from) throw new InvalidArgumentError('Its end is not after its start.');
  return { from, to };
}

/** "2h", or as in ISO 8601 "PT2H". */
function durationOf(text: string): number {
  try {
    return parseDuration(text.replace(/^P(\d+D)?T?/, '$1').toLowerCase());
  } catch {
    throw new InvalidArgumentError(`"${text}" is neither a time with its zone nor a duration: ${example}.`);
  }
}
