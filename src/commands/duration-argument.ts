import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { messageOf } from '../lifecycle/errors.ts';

/** For commander: "90s", "5m", "1h30m" as milliseconds. */
export function parseMilliseconds(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** For commander: "90s", "5m", "1h30m" as seconds. */
export function parseSeconds(text: string): number {
  return parseMilliseconds(text) / 1000;
}
