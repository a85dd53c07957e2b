import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BaselineFile } from '../../src/adapters/baseline-file.ts';
import {
  type Acceptance,
  knownFindings,
  pruned,
  withAcceptance,
  withGoneNotes,
  withoutChecks,
} from '../../src/checks/baseline/baseline.ts';
import { baselineText, parseBaseline } from '../../src/checks/baseline/baseline-text.ts';
import type { CheckRun } from '../../src/checks/check-run.ts';
import { parseUntil } from '../../src/commands/until-argument.ts';
import { ConfigError } from '../../src/lifecycle/errors.ts';

const keyOf = (letter: string) => letter.repeat(32);
const [a, b, c] = ['a', 'b', 'c'].map(keyOf) as [string, string, string];
const now = new Date('2026-05-04T12:00:00Z');

const acceptance = (more: Partial<Acceptance> = {}): Acceptance => ({
  check: 'overdue-sessions',
  environment: 'staging',
  until: '2026-06-01T00:00:00.000Z',
  owner: 'exam-office',
  reason: 'ticket 4711',
  acceptedAt: '2026-05-01T00:00:00.000Z',
  acceptedBy: 'on-call-1',
  keys: [a, b],
  ...more,
});
const runOut = { until: '2026-05-04T12:00:00.000Z' };

describe('the baseline', () => {
  it('accepts in its environment and until its time, and not at that time any more', () => {
    const baseline = [
      acceptance(),
      acceptance({ keys: [c] }),
      acceptance({ environment: 'prod', check: 'late-submits' }),
      acceptance({ check: 'lost-answers', ...runOut }),
      acceptance({ check: 'lost-answers', until: '2026-05-04T12:00:00.001Z', keys: [c] }),
    ];

    expect(knownFindings(baseline, 'staging', now)).toEqual({
      accepted: new Map([
        ['overdue-sessions', [a, b, c]],
        ['lost-answers', [c]],
      ]),
      expired: new Map([['lost-answers', 1]]),
    });
  });

  it('has a finding in one acceptance only: the last', () => {
    const old = acceptance({ ...runOut });
    const ofAnother = acceptance({ check: 'late-submits' });
    const added = acceptance({ keys: [a, c] });

    expect(withAcceptance([old, ofAnother], added)).toEqual([{ ...old, keys: [b] }, ofAnother, added]);
    expect(withAcceptance([acceptance({ ...runOut, keys: [a] })], added)).toEqual([added]);
  });

  it('loses checks of one environment', () => {
    const prod = acceptance({ environment: 'prod' });
    const late = acceptance({ check: 'late-submits' });

    expect(withoutChecks([acceptance(), prod, late], 'staging', ['overdue-sessions'])).toEqual([prod, late]);
  });

  it('loses what is gone, and only of checks that were looked at', () => {
    const late = acceptance({ check: 'late-submits' });
    const prod = acceptance({ environment: 'prod' });
    const present = new Map([['overdue-sessions', new Set([b])]]);

    expect(pruned([acceptance(), acceptance({ keys: [a] }), late, prod], 'staging', present)).toEqual([
      acceptance({ keys: [b] }),
      late,
      prod,
    ]);
  });
});

describe('a run of checks', () => {
  const runOf = (accepted: number, findings: number | null, scope: string | null = null) =>
    ({
      scope,
      notes: ['before'],
      outcomes: [{ id: 'overdue-sessions', findings, accepted }],
    }) as unknown as CheckRun;
  const known = knownFindings([acceptance()], 'staging', now);
  const notesOf = (run: CheckRun, what = known) => withGoneNotes(run, what).notes;

  it('tells how many accepted findings are gone', () => {
    expect(notesOf(runOf(1, 5))).toEqual([
      'before',
      'overdue-sessions: 1 of 2 accepted findings is gone; they can be removed: examctl integrity baseline prune',
    ]);
  });

  it('tells when all findings of an acceptance that has run out are gone', () => {
    const old = knownFindings([acceptance(runOut)], 'staging', now);

    expect(notesOf(runOf(0, 0), old)[1]).toMatch(
      /^overdue-sessions: the findings of what has run out are gone/,
    );
    expect(notesOf(runOf(0, 1), old)).toEqual(['before']);
  });

  it.each([
    ['are all there', runOf(2, 2)],
    ['lie outside of what it looked at', runOf(0, 0, 'sessions started since 9:00')],
    ['could not be looked at', runOf(0, null)],
  ])('says nothing when accepted findings %s', (_, run) => {
    expect(notesOf(run)).toEqual(['before']);
  });
});

describe('the text of the baseline', () => {
  const text = baselineText([acceptance({ keys: [b, a] }), acceptance({ check: 'late-submits' })]);

  it('is read as it was written, in a fixed order with a line for each finding', () => {
    expect(parseBaseline(text, 'b.json')).toEqual([acceptance({ check: 'late-submits' }), acceptance()]);
    expect(text.split('\n').filter((line) => /^ {8}"[ab]+",?$/.test(line))).toHaveLength(4);
    expect(baselineText(parseBaseline(text, 'b.json'))).toBe(text);
    expect(text.endsWith('}\n')).toBe(true);
  });

  it('is empty when there is no file', () => {
    expect(parseBaseline(undefined, 'b.json')).toEqual([]);
  });

  const withOne = (change: (one: Record<string, unknown>) => void) => {
    const data = JSON.parse(text);
    change(data.acceptances[1]);
    return JSON.stringify(data);
  };

  it.each([
    ['', /^b\.json is not JSON: /, /version control/],
    ['<<<<<<< ours\n{}\n', /^b\.json is not JSON: it has merge conflicts/, /both sides/],
    ['[]', /^b\.json is no baseline that this version reads: its schema is none/, /v1/],
    ['null', /its schema is none/, /v1/],
    ['{"schema":"examctl/integrity-baseline/v2"}', /its schema is "examctl\/integrity-baseline\/v2"/, /v1/],
    ['{"schema":"examctl/integrity-baseline/v1"}', /^b\.json acceptances: must be a list/, /version control/],
    [withOne((one) => delete one.owner), /^b\.json acceptances\[1\]\.owner: must be text$/, /accept/],
    [
      withOne((one) => Object.assign(one, { reason: ' ' })),
      /acceptances\[1\]\.reason: must be text/,
      /accept/,
    ],
    [
      withOne((one) => Object.assign(one, { until: '2026-06-01' })),
      /\.until: must be a time in UTC/,
      /accept/,
    ],
    [
      withOne((one) => Object.assign(one, { until: '2026-13-01T00:00:00Z' })),
      /\.until: must be a time/,
      /accept/,
    ],
    [
      withOne((one) => Object.assign(one, { keys: ['student-1'] })),
      /\.keys: must be a list of 32 hex/,
      /accept/,
    ],
    [withOne((one) => Object.assign(one, { ticket: 1 })), /\.ticket: unknown key/, /accept/],
  ])('is refused when it is %s', (damaged, message, hint) => {
    const read = () => parseBaseline(damaged, 'b.json');

    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ hint: expect.stringMatching(hint) }));
  });
});

describe('the file of the baseline', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-baseline-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is made with its folder, readable by the team, and leaves nothing else behind', async () => {
    const store = new BaselineFile(join(folder, 'ops', 'baseline.json'));
    expect(store.read()).toBeUndefined();

    await store.update((text) => `${text ?? 'none'}, then one`);

    expect(store.read()).toBe('none, then one');
    expect(readdirSync(join(folder, 'ops'))).toEqual(['baseline.json']);
    expect(statSync(store.file).mode & 0o777).toBe(0o644);
  });

  it('loses no change of several at once', async () => {
    const store = new BaselineFile(join(folder, 'baseline.json'));

    await Promise.all(
      Array.from({ length: 8 }, (_, index) => store.update((text = '') => `${text}${index}`)),
    );

    expect([...(store.read() ?? '')].sort().join('')).toBe('01234567');
  });

  it('stays as it was when a change fails', async () => {
    const store = new BaselineFile(join(folder, 'baseline.json'));
    await store.update(() => 'before');

    const update = store.update(() => {
      throw new TypeError('no');
    });

    await expect(update).rejects.toThrow(TypeError);
    expect(readFileSync(store.file, 'utf8')).toBe('before');
    expect(readdirSync(folder)).toEqual(['baseline.json']);
  });

  it('that is a folder, or in one that is a file, is a problem of the configuration', async () => {
    mkdirSync(join(folder, 'baseline.json'));
    writeFileSync(join(folder, 'file'), '');

    expect(() => new BaselineFile(join(folder, 'baseline.json')).read()).toThrow(ConfigError);
    const update = new BaselineFile(join(folder, 'file', 'baseline.json')).update(() => '');
    await expect(update).rejects.toThrow(ConfigError);
    await expect(update).rejects.toThrow(/cannot be (read|written)/);
  });
});

describe('--until', () => {
  it.each([
    ['2026-05-04', '2026-05-05T00:00:00.000Z'],
    ['2026-06-30', '2026-07-01T00:00:00.000Z'],
    ['2026-05-04T12:01Z', '2026-05-04T12:01:00.000Z'],
    ['2026-06-30T18:00+02:00', '2026-06-30T16:00:00.000Z'],
    ['2027-05-04', '2027-05-05T00:00:00.000Z'],
  ])('%s ends at %s', (text, until) => {
    expect(parseUntil(text, undefined, now).toISOString()).toBe(until);
  });

  it.each([
    ['2026-05-03', 'It is over'],
    ['2026-05-04T12:00Z', 'It is over'],
    ['2027-05-06', 'more than a year'],
    ['2026-02-30', 'no such time'],
    ['2026-06-30T25:00Z', 'no such time'],
    ['2026-06-30T18:00', 'with its zone'],
    ['30d', 'Write a day'],
    ['tomorrow', 'Write a day'],
  ])('refuses %s: %s', (text, why) => {
    const parse = () => parseUntil(text, undefined, now);
    expect(parse).toThrow(InvalidArgumentError);
    expect(parse).toThrow(why);
  });
});
