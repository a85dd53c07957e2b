import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckResult, CheckRun } from '../../src/checks/check-run.ts';
import { scopeOf, type WindowOptions } from '../../src/checks/statements/windows.ts';
import { plants } from '../../src/sandbox/plants/index.ts';
import { plantFreshNearMisses } from '../../src/sandbox/plants/near-misses.ts';
import type { Plant } from '../../src/sandbox/plants/plant.ts';
import { type CheckDatabase, startCheckDatabase } from './check-database.ts';

/** More ways in which a rule may fail to hold: one is planted in the sandbox, these are not mended. */
const brokenRules: readonly Plant[] = [
  {
    check: 'constraints-valid',
    what: 'a foreign key that was never validated',
    findings: 1,
    outcome: 'fail',
    plant: async ({ sql }) => {
      await sql('ALTER TABLE session_answers DROP CONSTRAINT session_answers_session_id_fkey');
      await sql(
        'ALTER TABLE session_answers ADD FOREIGN KEY (session_id) REFERENCES test_sessions NOT VALID',
      );
    },
  },
  {
    check: 'constraints-valid',
    what: 'a foreign key that is missing',
    findings: 1,
    outcome: 'fail',
    plant: ({ sql }) => sql('ALTER TABLE attempt_events DROP CONSTRAINT attempt_events_user_id_fkey'),
  },
  {
    check: 'constraints-valid',
    what: 'the triggers of both foreign keys of a table disabled',
    findings: 2,
    outcome: 'fail',
    plant: ({ sql }) => sql('ALTER TABLE session_answers DISABLE TRIGGER ALL'),
  },
  {
    check: 'constraints-valid',
    what: 'an append-only trigger disabled and the other one dropped',
    findings: 2,
    outcome: 'fail',
    plant: async ({ sql }) => {
      await sql('ALTER TABLE attempt_events DISABLE TRIGGER trg_attempt_events_no_update');
      await sql('DROP TRIGGER trg_attempt_events_no_delete ON attempt_events');
    },
  },
  {
    check: 'constraints-valid',
    what: 'the unique constraint of answers and the range of choices dropped',
    findings: 2,
    outcome: 'fail',
    plant: ({ sql }) =>
      sql(
        'ALTER TABLE session_answers DROP CONSTRAINT uq_session_answer, DROP CONSTRAINT chk_session_answers_selected_index',
      ),
  },
];
const allPlants = [...plants, ...brokenRules];

describe('the checks of exam-platform', () => {
  let database: CheckDatabase;
  beforeAll(async () => {
    database = await startCheckDatabase();
  });
  afterAll(() => database.stop());

  it('say nothing about data that only looks odd', async () => {
    const { outcomes, summary } = await database.run(database.url);

    expect(outcomes.filter(({ outcome }) => outcome !== 'pass')).toEqual([]);
    expect(summary).toMatchObject({
      sessions: 7,
      exam_sessions: 6,
      in_progress: 3,
      submitted: 3,
      expired: 1,
      students: 7,
      questions: 24,
      answers: 10,
      cleared_answers: 1,
      submits: 3,
      repeated_submits: 1,
    });
  });

  it('say nothing about writes that are being made at this moment', async () => {
    const { outcomes } = await database.run(await database.copy(plantFreshNearMisses));

    expect(outcomes.filter(({ outcome }) => outcome !== 'pass')).toEqual([]);
  });

  it('each have a plant that makes them speak', () => {
    const planted = new Set(plants.map(({ check }) => check));
    const silent = database.checks.filter(({ id, severity }) => severity !== 'info' && !planted.has(id));
    expect(silent.map(({ id }) => id)).toEqual([]);
  });

  it.each(allPlants)(
    '$check finds $what, and no other check speaks; alone, or in one statement with others',
    async ({ check, findings, outcome, plant }) => {
      const url = await database.copy(plant);

      const { outcomes } = await database.run(url);

      const alone = await database.run(url, { combine: false });
      expect(asSeen(alone.outcomes)).toEqual(asSeen(outcomes));

      const speaking = outcomes.filter((result) => result.outcome !== 'pass');
      expect(speaking.map(({ id, samples }) => ({ id, samples }))).toEqual([
        { id: check, samples: expect.anything() },
      ]);
      expect(speaking[0]).toMatchObject({ outcome, findings });
      expect(speaking[0]?.samples).toHaveLength(findings);
    },
  );

  it.each(
    allPlants.filter(
      ({ check }) => check !== 'constraints-valid' && check !== 'answers-to-missing-questions',
    ),
  )('$check leaves out what was before the window', async ({ check, plant }) => {
    const url = await database.copy(plant);

    const { outcomes } = await database.run(url, {
      scope: scopeOf({ since: new Date() }, database.catalogue.windows),
      only: [check],
    });

    expect(outcomes).toMatchObject([{ id: check, findings: 0 }]);
  });

  describe('with all plants in one database', () => {
    let url: string;
    beforeAll(async () => {
      url = await database.copy(async (records) => {
        for (const { plant } of plants) await plant(records);
      });
    });

    it('each find their own, and nothing of the others', async () => {
      const { outcomes } = await database.run(url);

      const found = outcomes.filter(({ findings, severity }) => severity !== 'info' && findings !== 0);
      expect(Object.fromEntries(found.map(({ id, findings }) => [id, findings]))).toEqual(
        Object.fromEntries(plants.map(({ check, findings }) => [check, findings])),
      );
    });

    const longAgo = new Date('2020-01-01T00:00:00Z');
    const scopes: Readonly<Record<string, WindowOptions>> = {
      'all sessions': {},
      'a window that holds them all': { since: longAgo },
      'exams of a window without its end': { exam: { from: longAgo, to: new Date(Date.now() + 3_600_000) } },
      'what changed within the hour': { changedSince: new Date(Date.now() - 3_600_000) },
      'students who are no rehearsal accounts': {
        withoutRehearsal: { emailDomain: 'elsewhere.example', userIds: [] },
      },
    };

    it.each(Object.keys(scopes))(
      'give the same answers for %s on 1, 2 and 3 connections, together and each alone',
      async (name) => {
        const scope = scopeOf(scopes[name] ?? {}, database.catalogue.windows);

        const one = await database.run(url, { scope, connections: 1 });
        const others = await Promise.all([
          database.run(url, { scope, connections: 2 }),
          database.run(url, { scope, connections: 3 }),
          database.run(url, { scope, connections: 3, combine: false }),
        ]);

        for (const { outcomes } of others) expect(asSeen(outcomes)).toEqual(asSeen(one.outcomes));
        expect(one.outcomes.filter(({ outcome }) => outcome === 'unknown')).toEqual([]);
        expect(one.outcomes.filter(({ outcome }) => outcome === 'fail').length).toBeGreaterThan(8);
        expect(Math.max(...others.map(connectionsOf))).toBeGreaterThan(1);
      },
    );

    it('look at the given sessions only, in every check', async () => {
      const { outcomes } = await database.run(url);
      const ids = outcomes.flatMap(({ samples }) => samples.map(({ session_id: id }) => id));
      const [given] = ids.filter((id) => typeof id === 'string');

      const { outcomes: scoped } = await database.run(url, {
        scope: scopeOf({ sessions: [String(given)] }, database.catalogue.windows),
      });

      const windows = new Map(database.checks.map(({ id, window }) => [id, window]));
      const ofSessions = scoped.filter(({ id }) => windows.get(id) === 'sessions');
      const seen = ofSessions.flatMap(({ samples }) => samples.map(({ session_id: id }) => id ?? given));
      expect(new Set(seen)).toEqual(new Set([given]));
    });
  });
});

function asSeen(results: readonly CheckResult[]) {
  return results.map(({ durationMs: _, ...result }) => result);
}

function connectionsOf({ statements }: CheckRun): number {
  return new Set(statements.map(({ connection }) => connection)).size;
}
