import { InvalidArgumentError } from 'commander';

const day = /^\d{4}-\d{2}-\d{2}$/;
const timeWithZone = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;
const oneDay = 86_400_000;
const longest = 366 * oneDay;

/** For commander: "2026-06-30" with the whole of that day in UTC, or a time with its zone; within a year from now. */
export function parseUntil(text: string, _previous?: unknown, now = new Date()): Date {
  if (!day.test(text) && !timeWithZone.test(text))
    throw new InvalidArgumentError('Write a day, 2026-06-30, or a time with its zone, 2026-06-30T18:00Z.');
  if (!isInCalendar(text.slice(0, 10)) || Number.isNaN(Date.parse(text)))
    throw new InvalidArgumentError('There is no such time.');
  const until = new Date(day.test(text) ? Date.parse(text) + oneDay : text);
  if (until <= now) throw new InvalidArgumentError('It is over: until then nothing would be accepted.');
  if (until.getTime() - now.getTime() > longest)
    throw new InvalidArgumentError('That is more than a year from now: somebody should look at it before.');
  return until;
}

/** Date takes 30 February for 2 March. */
function isInCalendar(text: string): boolean {
  const midnight = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(text);
}
