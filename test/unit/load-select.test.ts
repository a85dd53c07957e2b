import { expect, test } from 'vitest';
import { UsageError } from '../../src/lifecycle/errors.ts';
import { profileOf, selectProfileName, selectScenario } from '../../src/load/select-scenario.ts';

test('an unknown scenario is a usage error that names the nearest', () => {
  const select = () => selectScenario('anwsers');
  expect(select).toThrow(UsageError);
  expect(select).toThrow('no load scenario "anwsers"');
  expect(hintOf(select)).toContain('"answers"');
});

test('an unknown profile is a usage error that names the nearest', () => {
  expect(hintOf(() => selectProfileName('examday'))).toContain('"exam-day"');
});

test('students and seconds of the command line replace those of the profile', () => {
  const scenario = selectScenario('submit-spike');
  expect(profileOf(scenario, 'smoke', { students: 7, seconds: 3 })).toMatchObject({
    students: 7,
    seconds: 3,
  });
  expect(profileOf(scenario, 'smoke', {})).toEqual(scenario.profiles.smoke);
});

test.each([{ students: 0 }, { students: 1.5 }, { seconds: 0 }, { seconds: Number.NaN }])(
  '%j is refused',
  (overrides) => {
    expect(() => profileOf(selectScenario('answers'), 'smoke', overrides)).toThrow(UsageError);
  },
);

function hintOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return error instanceof UsageError ? error.hint : undefined;
  }
  return undefined;
}
