import type { Identity } from '../../lifecycle/environment.ts';
import type { ProfileName, ScenarioId } from '../../load/scenario.ts';
import { partsOfAnExam } from '../../load/scenarios/index.ts';
import type { RehearsalContext } from '../ports.ts';

/** For each scenario the environment's students, those who act in it first. */
export type Students = ReadonlyMap<ScenarioId, readonly Identity[]>;

export const everyStudent = 2000;
/** canaries and probes act as the first ones */
const walkersCount = 10;

/** Each has students of its own, so that what one of them spends of a rate limit is not missing to the next. */
export interface Walkers {
  readonly canary: () => Promise<readonly Identity[]>;
  readonly freeze: () => Promise<readonly Identity[]>;
  readonly thaw: () => Promise<readonly Identity[]>;
  readonly drill: () => Promise<readonly Identity[]>;
}

/** Asked when they are needed: the environment may not be there before. Where there are few, they are shared. */
export function walkersOf({ identities }: Pick<RehearsalContext['environment'], 'identities'>): Walkers {
  const between = (first: number, last: number) => async () => {
    const all = await identities(walkersCount);
    const own = all.slice(first, last);
    return own.length > 0 ? own : all;
  };
  return { canary: between(0, 1), drill: between(1, 2), freeze: between(2, 6), thaw: between(6, 10) };
}

export async function studentsFor({
  environment,
  profile,
}: Pick<RehearsalContext, 'environment' | 'profile'>): Promise<Students> {
  const all = await environment.identities(Math.max(studentsWanted(profile.load), everyStudent));
  return shareStudents(all, profile.load, Math.random());
}

/**
 * Other students for each scenario, and others than in the rehearsal before where there are enough: the platform lets a
 * student create and submit ten sessions a minute, and each try renews the minute. So those of canaries and probes are
 * left out, too. `turn`, in 0..1, says with whom to begin.
 */
export function shareStudents(all: readonly Identity[], load: ProfileName, turn: number): Students {
  const pool = all.length >= studentsWanted(load) + walkersCount ? all.slice(walkersCount) : all;
  let first = Math.floor(turn * pool.length);
  const rotated = partsOfAnExam.map(({ id, profiles }) => {
    const students = [...pool.slice(first), ...pool.slice(0, first)];
    first = (first + profiles[load].students) % Math.max(pool.length, 1);
    return [id, students] as const;
  });
  return new Map(rotated);
}

function studentsWanted(load: ProfileName): number {
  return partsOfAnExam.reduce((sum, { profiles }) => sum + profiles[load].students, 0);
}
