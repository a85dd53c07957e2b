import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { messageOf } from '../lifecycle/errors.ts';

const withZone = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;
const looksLikeTime = /^\d{4}-/;

/** For commander: "2026-05-04T09:00Z", or "3h" for three hours ago. */
export function parseSince(text: string, _previous?: unknown, now = new Date()): Date {
  if (!looksLikeTime.test(text)) return new Date(now.getTime() - milliseconds(text));
  const time = parseTime(text);
  if (time > now) throw new InvalidArgumentError('It lies in the future: nothing has happened since.');
  return time;
}

export function parseTime(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('There is no such time.');
  // Without a zone it would be that of this machine, and the platform's times are UTC.
  if (!withZone.test(text))
    throw new InvalidArgumentError('Give the zone too: 2026-05-04T09:00Z is 9:00 UTC.');
  return time;
}

function milliseconds(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(
      `${messageOf(error)}. Write 2026-05-04T09:00Z, or 3h for three hours ago.`,
    );
  }
}
