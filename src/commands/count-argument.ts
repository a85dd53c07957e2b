import { InvalidArgumentError } from 'commander';

/** For commander: a whole number from `least` to `most`. */
export function parseBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`it must be a whole number from ${least} to ${most}`);
  };
}

/** For commander: a whole number above 0. */
export function parseCount(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) === 0)
    throw new InvalidArgumentError('it must be a whole number above 0');
  return Number(text);
}
