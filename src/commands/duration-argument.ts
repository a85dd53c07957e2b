import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { messageOf, UsageError } from '../lifecycle/errors.ts';

/** For commander: "90s", "5m", "1h30m" as milliseconds. */
export function parseMilliseconds(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    const hint = error instanceof UsageError && error.hint !== undefined ? `; ${error.hint}` : '';
    throw new InvalidArgumentError(messageOf(error) + hint);
  }
}

/** For commander: "90s", "5m", "1h30m" as seconds. */
export function parseSeconds(text: string): number {
  return parseMilliseconds(text) / 1000;
}
