import { UsageError } from '../lifecycle/errors.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import { type LoadProfile, type ProfileName, profileNames, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';

export function selectScenario(id: string): Scenario {
  const scenario = scenarios.find((candidate) => candidate.id === id);
  if (scenario !== undefined) return scenario;
  throw unknownName(
    'load scenario',
    id,
    scenarios.map((candidate) => candidate.id),
  );
}

export function selectProfileName(name: string): ProfileName {
  const known = profileNames.find((candidate) => candidate === name);
  if (known !== undefined) return known;
  throw unknownName('load profile', name, profileNames);
}

export interface ProfileOverrides {
  readonly students?: number | undefined;
  readonly seconds?: number | undefined;
}

export function profileOf(
  scenario: Scenario,
  name: ProfileName,
  { students, seconds }: ProfileOverrides,
): LoadProfile {
  const profile = scenario.profiles[name];
  const chosen = { ...profile, students: students ?? profile.students, seconds: seconds ?? profile.seconds };
  if (!Number.isInteger(chosen.students) || chosen.students < 1) {
    throw new UsageError(`${chosen.students} virtual students are not possible`, { hint: '--students 40' });
  }
  if (!(chosen.seconds >= 1)) {
    throw new UsageError(`a load of ${chosen.seconds} s is too short`, { hint: '--duration 20s' });
  }
  return chosen;
}

function unknownName(what: string, name: string, known: readonly string[]): UsageError {
  return new UsageError(`there is no ${what} "${name}"`, { hint: didYouMean(name, known) });
}
