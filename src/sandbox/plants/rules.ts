import type { Plant } from './plant.ts';

/** What the database itself should prevent, or what no table of the exam shows. */
export const rulePlants: readonly Plant[] = [
  {
    check: 'constraints-valid',
    what: 'an append-only trigger that is disabled',
    findings: 1,
    outcome: 'fail',
    async plant({ sql, undoneBy }) {
      await sql('ALTER TABLE attempt_events DISABLE TRIGGER trg_attempt_events_no_update');
      undoneBy('ALTER TABLE attempt_events ENABLE TRIGGER trg_attempt_events_no_update');
    },
  },
  {
    check: 'repeated-mastery-runs',
    what: 'a mastery run that was started again after three seconds',
    findings: 1,
    outcome: 'warn',
    async plant({ session, mastery }) {
      const { id: sessionId, userId } = await session();
      await mastery({ sessionId, userId, status: 'SUCCESS', minutesAgo: 3 });
      await mastery({ sessionId, userId, status: 'SUCCESS', minutesAgo: 3 - 3 / 60 });
    },
  },
];
