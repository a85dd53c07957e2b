import type { Service } from '../lifecycle/environment.ts';
import { UsageError } from '../lifecycle/errors.ts';
import { lostWith, services } from './changes.ts';
import { type Parameter, textOf, type Values } from './parameters.ts';

/** Between which two services a fault of the network lies. */
export const linkParameters: readonly Parameter[] = [
  { name: 'from', kind: 'choice', initial: 'backend', choices: services },
  { name: 'to', kind: 'choice', initial: 'cache', choices: services },
];

export function linkOf(values: Values): { readonly from: Service; readonly to: Service } {
  if (values.from === values.to)
    throw new UsageError(`there is no network between ${values.from} and itself`, {
      hint: '--set from=backend --set to=database',
    });
  return { from: textOf(values, 'from') as Service, to: textOf(values, 'to') as Service };
}

export function linkText(values: Values): string {
  const { from, to } = linkOf(values);
  return `network between ${from} and ${to}`;
}

/** The reads go from the edge through the backend to the database. */
export function unseenBetween(values: Values): string | null {
  const { from, to } = linkOf(values);
  const isMet = [from, to].every(
    (service) => service === 'edge' || service === 'backend' || service === 'database',
  );
  return isMet
    ? null
    : `the reads do not pass between ${from} and ${to}; what it does to writing is seen by the load of a rehearsal`;
}

/** Whatever one of the two gives the other may be lost meanwhile, so hardly anything can be told apart. */
export const mayFailBetween: readonly string[] = lostWith.backend;
