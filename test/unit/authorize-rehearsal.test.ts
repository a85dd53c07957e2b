import { expect, it } from 'vitest';
import { rehearseOn } from '../../src/commands/rehearse.ts';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { Refused } from '../../src/lifecycle/errors.ts';
import { planRehearsal } from '../../src/rehearsal/plan-rehearsal.ts';
import { selectPhases } from '../../src/rehearsal/select-phases.ts';

const endsAt = new Date('2026-02-14T10:00:00Z');

/** Two students who are not the rehearsal's are in an exam; whatever else is asked of it is an error. */
const environment = {
  name: 'staging',
  protected: false,
  platform: { sessionsInProgressSql: 'sessions' },
  identities: async () => [],
  withPostgres: async (use: (postgres: object) => unknown) =>
    use({ query: async () => ({ rows: [{ in_progress: 2, last_ends_at: endsAt }] }) }),
} as unknown as Environment;

const optionsOf = (phases?: string, more: object = {}) => ({
  profile: 'smoke' as const,
  phases: selectPhases(phases),
  keep: false,
  engine: 'builtin' as const,
  breakGlass: false,
  ...more,
});

/** without an operator: nothing can be begun */
const context = {} as Parameters<typeof rehearseOn>[2];

it.each(['canary', '2', '6', undefined])(
  'a rehearsal beside an exam of others is refused before anything is written: phases %s',
  async (phases) => {
    const refused = rehearseOn(environment, optionsOf(phases), context);
    await expect(refused).rejects.toBeInstanceOf(Refused);
    await expect(refused).rejects.toThrow('2 exam sessions of other students are in progress');
  },
);

it('break-glass without a reason is refused as well', async () => {
  const refused = rehearseOn(environment, optionsOf('2', { breakGlass: true }), context);
  await expect(refused).rejects.toThrow('no reason is given');
});

it('its plan names all that it writes and changes, in order', async () => {
  const { parts = [] } = await planRehearsal(environment, optionsOf());
  expect(parts.map(({ operation }) => operation)).toEqual([
    null,
    'exam-mode on',
    null,
    null,
    'fault inject redis-outage',
    'fault inject worker-kill',
    null,
    'fault inject full-backend-restart',
    null,
  ]);
  expect(parts.map(({ effect }) => effect).join()).toContain('30 exam sessions of rehearsal students');
  const without = await planRehearsal(environment, optionsOf('4'));
  expect(without.parts).toEqual([]);
});
