import type { Plant } from './plant.ts';

export const eventPlants: readonly Plant[] = [
  {
    check: 'announced-scores',
    what: 'a submit that announced another score than is stored',
    findings: 1,
    outcome: 'fail',
    async plant({ session, answer, submitted }) {
      const record = await session({ status: 'SUBMITTED', score: [1, 4, 25] });
      await answer(record, 0, 'right');
      await submitted(record, 2, 4, 50);
    },
  },
  {
    check: 'contradictory-submits',
    what: 'a second submit with another score, and one with another percentage',
    findings: 2,
    outcome: 'fail',
    async plant({ session, answer, submitted }) {
      for (const second of [[2, 50] as const, [1, 26] as const]) {
        const record = await session({ status: 'SUBMITTED', score: [1, 4, 25] });
        await answer(record, 0, 'right');
        await submitted(record, 1, 4, 25);
        await submitted(record, second[0], 4, second[1], 9);
      }
    },
  },
  {
    check: 'event-gaps',
    what: 'a number that is missing, and one that came twice',
    findings: 2,
    outcome: 'warn',
    async plant({ session, telemetry }) {
      await telemetry(await session(), [1, 2, 4]);
      await telemetry(await session(), [1, 2, 2, 3]);
    },
  },
  {
    check: 'lost-submits',
    what: 'an acknowledged submit whose session still runs',
    findings: 1,
    outcome: 'fail',
    async plant({ session, submitted }) {
      await submitted(await session(), 0, 4, 0);
    },
  },
  {
    check: 'orphaned-events',
    what: 'an event of a session that is gone, and one of a user that is gone',
    findings: 2,
    outcome: 'fail',
    async plant({ session, event, pastTheRules }) {
      const gone = await session();
      await event(gone, 'SESSION_CREATED', {});
      await pastTheRules('DELETE FROM test_sessions WHERE id = $1', [gone.id]);
      const other = await session();
      await event(other, 'SESSION_CREATED', {});
      await pastTheRules('UPDATE attempt_events SET user_id = gen_random_uuid() WHERE session_id = $1', [
        other.id,
      ]);
    },
  },
];
