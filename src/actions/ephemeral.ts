import type { Environment, Ephemeral } from '../lifecycle/environment.ts';

export function ephemeralOf({ name, ephemeral }: Environment): Ephemeral {
  if (ephemeral === undefined) throw new Error(`environment ${name} is not one that examctl makes`);
  return ephemeral;
}
