import { InvalidArgumentError } from 'commander';

/** For commander: a whole number above 0. */
export function parseCount(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) === 0)
    throw new InvalidArgumentError('it must be a whole number above 0');
  return Number(text);
}
