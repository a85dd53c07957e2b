import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { idsStatement, outsideOf, Parameters, scopeExpressions } from '../../src/checks/statements/scope.ts';
import { scopeOf, type WindowOptions } from '../../src/checks/statements/windows.ts';
import { accountsOf, windowOf } from '../../src/commands/check-window.ts';
import { parseBetween } from '../../src/commands/count-argument.ts';
import { parseExam } from '../../src/commands/exam-argument.ts';
import { sessionIds } from '../../src/commands/sessions-argument.ts';
import { UsageError } from '../../src/lifecycle/errors.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { packagedCatalogue } from '../support/catalogue.ts';

const now = new Date('2026-05-04T12:00:00Z');
const exam = (text: string) => parseExam(text, undefined, now);
const one = '0b6e1f9c-3a52-4c5b-9a1e-5d2f8e7c6b4a';
const other = '1b6e1f9c-3a52-4c5b-9a1e-5d2f8e7c6b4a';

describe('the time of an exam', () => {
  const nineToEleven = { from: new Date('2026-05-04T09:00Z'), to: new Date('2026-05-04T11:00Z') };

  it.each([
    '2026-05-04T09:00Z/2026-05-04T11:00Z',
    '2026-05-04T11:00+02:00/2026-05-04T11:00Z',
    '2026-05-04T09:00Z/2h',
    '2026-05-04T09:00Z/1h60m',
    '2026-05-04T09:00Z/PT2H',
  ])('%s', (text) => {
    expect(exam(text)).toEqual(nineToEleven);
  });

  it.each([
    ['2026-05-04T09:00Z', 'Give its start and end'],
    ['2026-05-04T09:00Z/', 'Give its start and end'],
    ['2026-05-04T09:00Z/1h/1h', 'Give its start and end'],
    ['2026-05-04T09:00/2h', 'Give the zone too'],
    ['2026-05-04T09:00Z/2026-05-04T11:00', 'Give the zone too'],
    ['2026-05-04T09:00Z/soon', 'neither a time with its zone nor a duration'],
    ['2026-05-04T09:00Z/2026-05-04T09:00Z', 'not after its start'],
    ['2026-05-04T09:00Z/0s', 'not after its start'],
    ['2026-05-04T13:00Z/2h', 'future'],
    ['2026-13-04T09:00Z/2h', 'no such time'],
  ])('cannot be %s', (text, reason) => {
    expect(() => exam(text)).toThrow(InvalidArgumentError);
    expect(() => exam(text)).toThrow(reason);
  });
});

describe('the sessions of --sessions', () => {
  const nobody = async () => expect.unreachable();

  it('are ids with commas between them, each once', async () => {
    expect(await sessionIds(`${one}, ${other.toUpperCase()},${one}`, nobody)).toEqual([one, other]);
  });

  it('are the lines of a file, or of stdin', async () => {
    const sources: string[] = [];
    const read = async (source: string) => {
      sources.push(source);
      return `# lost answers\r\n${one}\r\n\n${other}\n`;
    };

    expect(await sessionIds('@ids.txt', read)).toEqual([one, other]);
    expect(await sessionIds('-', read)).toEqual([one, other]);
    expect(await sessionIds('@-', read)).toEqual([one, other]);
    expect(sources).toEqual(['ids.txt', '-', '-']);
  });

  it('are told by the line when one is none', async () => {
    const read = async () => `${one}\nstudent-0001\n`;

    await expect(sessionIds('@ids.txt', read)).rejects.toThrow('ids.txt:2: "student-0001" is not the id');
    await expect(sessionIds('-', read)).rejects.toThrow('stdin:2');
    await expect(sessionIds(`${one},1`, nobody)).rejects.toThrow(UsageError);
  });

  it('are not none', async () => {
    await expect(sessionIds('@ids.txt', async () => '\n')).rejects.toThrow('names no session');
    await expect(sessionIds(',', nobody)).rejects.toThrow('names no session');
  });
});

describe('the accounts of rehearsals', () => {
  it('are those of the environment', async () => {
    const accounts = { emailDomain: 'load.example.com', userIds: [] };

    const window = await windowOf(
      { excludeRehearsal: true },
      { name: 'staging', rehearsalAccounts: async () => accounts },
      async () => '',
    );

    expect(window).toEqual({ withoutRehearsal: accounts });
  });

  it.each([{ rehearsalAccounts: async () => null }, {}])(
    'must be configured, and the message names the key',
    async (environment) => {
      const asked = accountsOf({ name: 'staging', ...environment });

      await expect(asked).rejects.toThrow(UsageError);
      await expect(asked).rejects.toMatchObject({ hint: expect.stringContaining('identities.email_domain') });
    },
  );
});

describe('a number in bounds', () => {
  it('is a whole one', () => {
    const parse = parseBetween(0, 1000);

    expect([parse('0'), parse('1000')]).toEqual([0, 1000]);
    for (const text of ['-1', '1001', '1.5', '', 'all', '1e2', '0x10'])
      expect(() => parse(text), text).toThrow('a whole number from 0 to 1000');
  });
});

describe('a scope', async () => {
  const { windows } = await packagedCatalogue();
  const scope = (options: WindowOptions) => scopeOf(options, windows);
  const tables = { names: ['session_answers', 'users'], realName: (table: string) => `"public"."${table}"` };
  const facts = examPlatform.integrity;

  it('of nothing is no scope', () => {
    expect(scope({})).toBeNull();
  });

  it('says in words what it leaves, and may only be empty where nothing may have changed', () => {
    const from = new Date('2026-05-04T09:00:00Z');

    expect(scope({ changedSince: from })).toMatchObject({
      words: 'sessions changed since 2026-05-04T09:00:00.000Z',
      mayBeEmpty: true,
      from,
    });
    expect(scope({ since: from })?.mayBeEmpty).toBeUndefined();
    expect(scope({ exam: { from, to: now }, sessions: [one] })?.words).toBe(
      'sessions of mode EXAM started from 2026-05-04T09:00:00.000Z until 2026-05-04T12:00:00.000Z, with the id 0b6e1f9c-3a52-4c5b-9a1e-5d2f8e7c6b4a',
    );
    const withoutRehearsal = { emailDomain: 'load.example.com', userIds: [] };
    expect(scope({ withoutRehearsal })?.words).toBe('sessions outside of rehearsals');
  });

  it('tells given sessions apart, in whatever order they are given', () => {
    const digestOf = (...sessions: string[]) => scope({ sessions })?.sessionsDigest;

    expect(scope({ sessions: [one, other] })?.words).toBe('sessions among the 2 given ones');
    expect(digestOf(one, other)).toBe(digestOf(other, one));
    expect(digestOf(one, other)).not.toBe(digestOf(one, one.replace('0', '2')));
    expect(digestOf(one)).toBeUndefined();
  });

  it('that is empty is told with what to do about what was given', () => {
    const withoutRehearsal = { emailDomain: 'load.example.com', userIds: [] };

    expect(scope({ since: now })?.emptyHint).toBe(
      'look at a longer time; times are given with their zone (2026-05-04T09:00Z)',
    );
    expect(scope({ sessions: [one], withoutRehearsal })?.emptyHint).toBe(
      'see whether the ids are of this environment; without --exclude-rehearsal there may be some',
    );
  });

  it('of sessions only leaves out what looks at rows by their time', async () => {
    const { checks } = await packagedCatalogue();
    const outside = (options: WindowOptions) =>
      checks.filter((check) => outsideOf(check, scope(options)) !== null).map(({ id }) => id);

    expect(outside({ sessions: [one] })).toEqual([
      'orphaned-answers',
      'orphaned-events',
      'repeated-mastery-runs',
    ]);
    expect(outside({ sessions: [one], since: now })).toEqual([]);
    expect(outside({})).toEqual([]);
  });

  it('of a time that ended leaves nothing out', () => {
    const ended = { ...(scope({ sessions: [one] }) ?? expect.unreachable()), to: now };

    expect(outsideOf({ window: 'time' }, ended)).toBeNull();
  });

  it('whose ids are known is asked for no more, and its rows are read once', () => {
    const parameters = new Parameters();
    const known = { ...(scope({ since: now }) ?? expect.unreachable()), ids: [one] };
    const used = { ...tables, names: [...tables.names, 'attempt_events'] };

    const expressions = scopeExpressions(known, 'sessions', { tables: used, facts, parameters });

    expect(expressions).toEqual([
      'examctl_scope AS MATERIALIZED (SELECT unnest($1::uuid[]) AS id)',
      '"session_answers" AS MATERIALIZED (SELECT t.* FROM "public"."session_answers" t WHERE t."session_id" IN (SELECT id FROM examctl_scope))',
      '"attempt_events" AS NOT MATERIALIZED (SELECT t.* FROM "public"."attempt_events" t WHERE t."session_id" IN (SELECT id FROM examctl_scope))',
    ]);
    expect(parameters.values).toEqual([[one]]);
  });

  it('is asked for its ids by all of its conditions at once', () => {
    const { text, values } = idsStatement(scope({ since: now, sessions: [one] }) ?? expect.unreachable());

    expect(text).toMatch(
      /started_at >= \$1::timestamptz\)\nINTERSECT\n\(.*ANY \(\$2::uuid\[\]\)\)\) i LIMIT 2001$/s,
    );
    expect(values).toEqual([now, [one]]);
  });
});
