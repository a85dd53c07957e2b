import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reconcileReport, runLoadReconcile } from '../../src/commands/load-reconcile.ts';
import type { Postgres } from '../../src/lifecycle/environment.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import type { LedgerLine } from '../../src/load/ledger.ts';
import { type FindingKind, judgeSession } from '../../src/load/reconcile/judge-session.ts';
import { extentOf, ledgerPieces } from '../../src/load/reconcile/ledger-pieces.ts';
import { reconcile } from '../../src/load/reconcile/reconcile.ts';
import { sessionHistories } from '../../src/load/reconcile/session-history.ts';
import type { SessionState, StoredSession } from '../../src/load/reconcile/stored-sessions.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';

const at = Date.parse('2026-01-01T10:00:00Z');
const iso = (seconds: number) => new Date(at + seconds * 1000).toISOString();
const about = { at: iso(0), attempt: 1, student: 1, sessionId: 's' } as const;

type Line = LedgerLine;
const attempt = (sent: number, questionId = 'q'): Line => ({
  ...about,
  kind: 'attempt',
  write: 'answer',
  questionId,
  sent,
});
const answer = (sent: number, acknowledged: number | null = sent, storedAt = iso(0)): Line => ({
  ...about,
  kind: 'answer',
  questionId: 'q',
  ms: 1,
  sent,
  status: 200,
  acknowledged,
  storedAt,
  outcome: 'acknowledged',
});
const unclear = (sent: number): Line => ({
  ...(answer(sent) as Extract<Line, { kind: 'answer' | 'submit' }>),
  status: 0,
  acknowledged: null,
  storedAt: null,
  outcome: 'unknown',
});
const rejected = (sent: number): Line => ({
  ...(unclear(sent) as Extract<Line, { kind: 'answer' | 'submit' }>),
  status: 423,
  outcome: 'rejected',
});
const submit = (score: number | null, outcome: 'acknowledged' | 'unknown' = 'acknowledged'): Line => ({
  ...about,
  kind: 'submit',
  ms: 1,
  sent: null,
  status: outcome === 'acknowledged' ? 200 : 0,
  acknowledged: score,
  storedAt: outcome === 'acknowledged' ? iso(0) : null,
  outcome,
});
const session: Line = { kind: 'session', student: 1, sessionId: 's' };

const active: SessionState = {
  submitted: false,
  status: 'ACTIVE',
  score: null,
  recomputed: null,
  eventScores: 0,
};
const submitted: SessionState = {
  submitted: true,
  status: 'SUBMITTED',
  score: 4,
  recomputed: 4,
  eventScores: 1,
};

function stored(
  value: number | null | 'no row' | 'two rows',
  state: SessionState | null,
  seconds = 0,
): StoredSession {
  const row = (id: string) => ({
    id,
    value: value === 'two rows' ? 1 : (value as number | null),
    writtenAt: at + seconds * 1000,
  });
  const rows = value === 'no row' ? [] : value === 'two rows' ? [row('a'), row('b')] : [row('a')];
  return { state, answers: rows.length === 0 ? new Map() : new Map([['q', rows]]) };
}

function judged(lines: readonly Line[], session: StoredSession) {
  const placed = lines.map((line, index) => ({ place: { ledger: 0, line: index + 1 }, line }));
  const [history] = sessionHistories(placed);
  if (history === undefined) throw new Error('the ledger has no session');
  return judgeSession(history, session);
}

describe('an answer', () => {
  it.each<[string, readonly Line[], StoredSession]>([
    ['stored as acknowledged', [answer(3)], stored(3, active)],
    ['of which the last one is stored', [answer(1), answer(4)], stored(4, active)],
    [
      'explained by one that was sent later without a clear answer',
      [answer(1), unclear(2)],
      stored(2, active),
    ],
    [
      'explained by one that was under way when the load was killed',
      [answer(1), attempt(2)],
      stored(2, active),
    ],
    [
      'explained by one sent before that was stored after it',
      [unclear(2), answer(1, 1, iso(5))],
      stored(2, active, 6),
    ],
    ['without a clear answer, stored or not', [unclear(2)], stored('no row', active)],
    ['rejected and not stored', [rejected(2)], stored('no row', active)],
  ])('%s is no finding', (_, lines, found) => {
    expect(judged(lines, found).findings).toEqual([]);
  });

  it.each<[string, readonly Line[], StoredSession, FindingKind, number | null, string]>([
    ['that is not there is lost', [answer(3)], stored('no row', active), 'lost', 1, 'acknowledged 3, no row'],
    [
      'with another value is changed',
      [answer(3)],
      stored(1, active),
      'changed',
      1,
      'acknowledged 3, stored 1',
    ],
    ['that was cleared is changed', [answer(3)], stored(null, active), 'changed', 1, 'stored none'],
    [
      'overwritten by an older one is changed',
      [answer(1), answer(3)],
      stored(1, active),
      'changed',
      2,
      'stored 1',
    ],
    [
      'sent before, of unclear end, stored before the acknowledged one, does not explain its loss',
      [unclear(2), answer(1, 1, iso(5))],
      stored(2, active, 4),
      'changed',
      2,
      'acknowledged 1, stored 2',
    ],
    [
      'answered with another value is changed',
      [answer(3, 1)],
      stored(1, active),
      'changed',
      1,
      'sent 3, acknowledged 1',
    ],
    ['there twice is doubled', [answer(1)], stored('two rows', active), 'doubled', 1, '2 rows'],
    [
      'that was rejected and is there is a ghost',
      [rejected(2)],
      stored(2, active),
      'ghost',
      1,
      'rejected with 423',
    ],
    ['that nobody sent is a ghost', [session], stored(2, active), 'ghost', null, 'never sent'],
    [
      'of which another value was sent is a ghost',
      [unclear(1)],
      stored(2, active),
      'ghost',
      1,
      'was never sent',
    ],
  ])('%s', (_, lines, found, what, line, detail) => {
    const { findings } = judged(lines, found);
    expect(findings).toMatchObject([
      { what, sessionId: 's', questionId: 'q', detail: expect.stringContaining(detail) },
    ]);
    expect(findings[0]?.place?.line ?? null).toBe(line);
  });

  it('without a clear answer is resolved by what is stored', () => {
    expect(judged([unclear(2)], stored(2, active)).unknown).toEqual({
      stored: 1,
      notStored: 0,
      overwritten: 0,
    });
    expect(judged([attempt(2)], stored('no row', active)).unknown).toEqual({
      stored: 0,
      notStored: 1,
      overwritten: 0,
    });
    expect(judged([unclear(2), answer(1)], stored(1, active)).unknown).toMatchObject({ overwritten: 1 });
    expect(judged([submit(null, 'unknown')], stored('no row', submitted)).unknown).toMatchObject({
      stored: 1,
    });
    expect(judged([submit(null, 'unknown')], stored('no row', active)).unknown).toMatchObject({
      notStored: 1,
    });
  });
});

describe('a session', () => {
  it.each<[string, readonly Line[], SessionState | null]>([
    ['submitted with the score that was acknowledged', [submit(4), submit(4)], submitted],
    ['still open, and never submitted', [session], active],
    ['that expired by itself', [session], { ...active, status: 'EXPIRED' }],
    ['submitted by a submit without a clear answer', [submit(null, 'unknown')], submitted],
    ['that cannot be scored again', [submit(4)], { ...submitted, recomputed: null }],
  ])('%s is no finding', (_, lines, state) => {
    expect(judged(lines, stored('no row', state)).findings).toEqual([]);
  });

  it.each<[string, readonly Line[], SessionState | null, readonly FindingKind[], number]>([
    ['that is not there is lost', [session, submit(4)], null, ['lost'], 1],
    ['that is still active is not submitted', [submit(4)], active, ['not-submitted'], 1],
    [
      'with another score differs, for each who was told',
      [submit(4), submit(5)],
      submitted,
      ['score-differs'],
      2,
    ],
    [
      'without a score differs',
      [submit(4)],
      { ...submitted, score: null },
      ['score-differs', 'score-wrong'],
      1,
    ],
    [
      'with a score that its answers do not make',
      [submit(4)],
      { ...submitted, recomputed: 5 },
      ['score-wrong'],
      1,
    ],
    ['submitted with two scores is doubled', [submit(4)], { ...submitted, eventScores: 2 }, ['doubled'], 1],
    ['submitted by nobody is a ghost', [session], submitted, ['ghost'], 0],
  ])('%s', (_, lines, state, kinds, line) => {
    const { findings } = judged(lines, stored('no row', state));
    expect(findings.map(({ what }) => what)).toEqual(kinds);
    expect(findings[0]?.place?.line ?? 0).toBe(line);
  });
});

describe('a ledger', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-reconcile-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  let files = 0;
  const ledgerOf = (text: string) => {
    files += 1;
    const file = join(folder, `${files}-ledger.ndjson`);
    writeFileSync(file, text);
    return file;
  };
  const textOf = (...lines: Line[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const uuid = (number: number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;

  /** Answers what the two statements of the platform ask, from a list of answers that are stored. */
  const environment = (rows: readonly object[], sessions: 'all' | 'none' = 'all') => ({
    platform: examPlatform,
    withPostgres: async <T>(use: (postgres: Postgres) => Promise<T>): Promise<T> =>
      use({
        query: async <Row>(sql: string, [ids]: readonly unknown[] = []) => ({
          rows: (sql === examPlatform.ledger.answersSql
            ? rows
            : sessions === 'none'
              ? []
              : (ids as string[]).map((session_id) => ({
                  session_id,
                  ...{ status: 'ACTIVE', submitted: false, score: null, recomputed: null, event_scores: 0 },
                }))) as Row[],
        }),
      }),
  });
  const row = (value: number) => ({
    session_id: 's',
    question_id: 'q',
    answer_id: 'row-1',
    value,
    written_ms: at,
  });

  it('that fits into memory or not has the same lines at the same places, of each session together', async () => {
    const sessions = 400;
    const filler = 'x'.repeat(2_000);
    const lines: Line[] = [];
    for (let round = 0; round < 60; round += 1)
      for (let number = 0; number < sessions; number += 1)
        lines.push({ ...(answer(round % 5) as object), sessionId: uuid(number), filler } as unknown as Line);
    const file = ledgerOf(`noise without a session\n${textOf(...lines)}{"cut off`);
    const seen = new Map<string, number[]>();
    const piecesOf = new Map<string, Set<number>>();
    let piece = 0;
    for await (const { lines: placed } of ledgerPieces([await extentOf(file)])) {
      for (const { place, line } of placed) {
        const { sessionId } = line as { sessionId: string };
        seen.set(sessionId, [...(seen.get(sessionId) ?? []), place.line]);
        piecesOf.set(sessionId, (piecesOf.get(sessionId) ?? new Set()).add(piece));
      }
      piece += 1;
    }
    expect(piece).toBeGreaterThan(1);
    expect([...piecesOf.values()].every(({ size }) => size === 1)).toBe(true);
    for (const [index, numbers] of [...seen.values()].entries()) expect(numbers, `${index}`).toHaveLength(60);
    expect(seen.get(uuid(7))?.slice(0, 3)).toEqual([9, 409, 809]);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it.each([
    ['cut off in its middle', (line: string) => line.slice(0, line.length / 2)],
    ['swallowed by the one before', (line: string) => `{"kind":"att${line}`],
    ['zeroed by a power cut', (line: string) => '\0'.repeat(line.length)],
    ['of a kind that is not known', () => '{"kind":"anwser","sessionId":"s"}'],
    ['without a session', () => '{"kind":"answer"}'],
  ])('with a line that is %s is not said to be stored: unknown, with the line', async (_, damage) => {
    const [first = '', second = '', third = ''] = textOf(session, attempt(3), answer(3)).split('\n');
    const file = ledgerOf(`noise of k6\n${first}\n${second}\n${third}\n${damage(second)}\n`);
    const result = await reconcile([file], environment([row(3)]));
    expect(result).toMatchObject({
      outcome: 'unknown',
      answers: 1,
      message: expect.stringMatching(/1 damaged lines, .*\.ndjson 5$/),
    });
  });

  it('names each finding with its line and its row, and all of them in a file', async () => {
    const file = ledgerOf(textOf(session, attempt(3), answer(3)));
    const result = await reconcile([file], environment([row(1)]));
    expect(result).toMatchObject({ outcome: 'fail', answers: 1, sessions: 1, counts: { changed: 1 } });
    expect(result.hint).toBe(
      'ledger line 3: session s, question q: changed, acknowledged 3, stored 1 (row row-1)',
    );
    expect(result.parts.map(({ id, outcome }) => [id, outcome])).toEqual([['ledger-answers-stored', 'fail']]);
    expect(JSON.parse(readFileSync(result.findingsFile ?? '', 'utf8'))).toEqual(result.named[0]);
  });

  it('of which much is wrong names twenty, and counts all', async () => {
    const lines = Array.from(
      { length: 25 },
      (_, number): Line => ({ ...(answer(1) as object), sessionId: uuid(number) }) as Line,
    );
    const result = await reconcile([ledgerOf(textOf(...lines))], environment([]));
    expect(result.counts.lost).toBe(25);
    expect(result.named).toHaveLength(20);
    expect(result.hint).toContain('and 5 more in ');
    expect(
      readFileSync(result.findingsFile ?? '', 'utf8')
        .trim()
        .split('\n'),
    ).toHaveLength(25);
  });

  it('that goes on while it is compared explains what was stored meanwhile, and nothing else', async () => {
    const file = ledgerOf(textOf(answer(3)));
    const going = (value: number) => {
      const { withPostgres, platform } = environment([row(value)]);
      return {
        platform,
        withPostgres: <T>(use: (postgres: Postgres) => Promise<T>) => {
          writeFileSync(file, textOf(attempt(1)), { flag: 'a' });
          return withPostgres(use);
        },
      };
    };
    expect(await reconcile([file], going(1))).toMatchObject({ outcome: 'pass', answers: 1 });
    writeFileSync(file, textOf(answer(3)));
    expect(await reconcile([file], going(2))).toMatchObject({ outcome: 'fail', counts: { changed: 1 } });
  });

  it('of several machines is one, and each line is named with its file', async () => {
    const files = [
      ledgerOf(textOf(answer(3))),
      ledgerOf(textOf({ ...(answer(3) as object), sessionId: 't' } as Line)),
    ];
    const result = await reconcile(files, environment([row(3)]));
    expect(result).toMatchObject({ answers: 2, sessions: 2, counts: { lost: 1 } });
    expect(result.hint).toContain(
      `${files[1]?.split('/').at(-1)} ledger line 1: session t, question q: lost`,
    );
  });

  it.each<[string, string, string]>([
    [
      'without an acknowledged write',
      textOf(session, unclear(1)),
      'no acknowledged write (1 without a clear answer)',
    ],
    ['that is empty', '', 'no acknowledged write (0 without a clear answer)'],
  ])('%s is unknown', async (_, text, message) => {
    const result = await reconcile([ledgerOf(text)], environment([]));
    expect(result).toMatchObject({ outcome: 'unknown', message: expect.stringContaining(message) });
    expect(result.parts.map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown']);
  });

  it('that is not there, and a database that does not answer, are unknown and say so', async () => {
    expect(await reconcile([join(folder, 'none.ndjson')], environment([]))).toMatchObject({
      outcome: 'unknown',
      message: expect.stringContaining('the ledger cannot be read: ENOENT'),
    });
    const withPostgres = () =>
      Promise.reject(new Undetermined('no database at 127.0.0.1:1', { hint: 'start it' }));
    const result = await reconcile([ledgerOf(textOf(answer(1)))], { platform: examPlatform, withPostgres });
    expect(result).toMatchObject({
      outcome: 'unknown',
      message: 'no database at 127.0.0.1:1',
      hint: 'start it',
    });
    const { blocks, data } = reconcileReport(result, []);
    expect(data).toMatchObject({ counts: null });
    expect(blocks.map(({ type }) => type)).toEqual(['text', 'outcomes']);
  });
});

describe('reconcile without a ledger', () => {
  const entry = (environment: string, action: string, evidence?: string) => ({
    environment,
    action,
    details: evidence === undefined ? {} : { evidence },
  });
  const attempt = (...entries: object[]) =>
    runLoadReconcile([], {
      openEnvironment: async () => ({ name: 'staging' }),
      audit: { read: () => entries },
      progress: { start: () => undefined },
    } as never);

  it('takes the latest load run of the environment', async () => {
    const entries = [
      entry('staging', 'load run answers', '/none/first'),
      entry('staging', 'load run answers', '/none/second'),
      entry('staging', 'load run answers'),
      entry('prod', 'load run answers', '/none/of-prod'),
      entry('staging', 'fault inject redis-outage', '/none/of-fault'),
    ];
    await expect(attempt(...entries)).rejects.toThrow('no ledger at /none/second');
  });

  it('says when there was none', async () => {
    await expect(attempt(entry('prod', 'load run answers', '/none'))).rejects.toThrow(
      'there was no load run on staging',
    );
  });
});
