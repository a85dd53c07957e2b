import { describe, expect, it } from 'vitest';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import type { RunArchive } from '../../src/lifecycle/run-archive.ts';
import type { LockState, RunLocks } from '../../src/lifecycle/run-lock.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import {
  environmentStatus,
  fromNow,
  judgeLock,
  judgeMode,
  judgeRuns,
  judgeStudents,
  judgeVerdict,
} from '../../src/probes/environment-status.ts';

const now = new Date('2026-12-01T10:00:00Z');

describe('status', () => {
  it('leaves the other parts standing when one cannot be reached, and says why of each', async () => {
    const away = async () => {
      throw new Undetermined('connection refused');
    };
    const environment = {
      name: 'prod',
      platform: examPlatform,
      examMode: [],
      api: { url: 'http://127.0.0.1:1', request: away, baseUrl: away },
      driver: { kind: 'compose', instances: away, variable: away },
      withPostgres: away,
    } as unknown as Environment;
    const unreadable = () => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    };
    const { outcomes } = await environmentStatus({
      environment,
      archive: { open: unreadable, list: () => [] } as unknown as RunArchive,
      locks: { current: async () => null } as unknown as RunLocks,
      signal: new AbortController().signal,
      now,
    });
    expect(outcomes.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['exam-mode', 'unknown'],
      ['students', 'unknown'],
      ['services-running', 'unknown'],
      ['open-runs', 'unknown'],
      ['run-lock', 'pass'],
      ['last-verdict', 'skipped'],
    ]);
    for (const { outcome, message } of outcomes) {
      if (outcome === 'unknown') expect(message).toMatch(/connection refused|EACCES/);
    }
  });

  it('names exam mode as the workers have it, with drift as a fail and what was not seen as unknown', () => {
    const away = ['flag: no answer (start it (soon))', 'audit log: no answer (start it)', 'API: no token'];
    expect(judgeMode({ behaviour: 'on', drift: [], problems: away }).message).toBe(
      'on; not seen: flag, audit log (no answer); not seen: API (no token)',
    );
    expect(judgeMode({ behaviour: 'on', drift: [], problems: [] })).toMatchObject({
      outcome: 'pass',
      message: 'on',
    });
    expect(judgeMode({ behaviour: 'on', drift: ['the flag says off'], problems: [] })).toMatchObject({
      outcome: 'fail',
    });
    expect(judgeMode({ behaviour: 'off', drift: [], problems: ['flag: no answer'] })).toMatchObject({
      outcome: 'unknown',
      message: 'off; not seen: flag (no answer)',
    });
  });

  it('says how many students are in exams, and until when', () => {
    expect(judgeStudents({ count: 0, lastEndsAt: null }, now).message).toBe('none');
    expect(judgeStudents({ count: 214, lastEndsAt: '2026-12-01T11:30:00.000Z' }, now).message).toBe(
      '214, the last until 2026-12-01T11:30:00.000Z (in 1 h 30 min)',
    );
    expect(judgeStudents(null, now)).toMatchObject({ outcome: 'unknown' });
  });

  it('tells a run at work from one that died with something changed, or with a journal that tells nothing', () => {
    const run = {
      id: 'r',
      operation: 'fault inject x',
      actor: 'ada',
      alive: true,
      open: ['service cache'],
      damage: null,
    };
    expect(judgeRuns([])).toMatchObject({ outcome: 'pass' });
    expect(judgeRuns([run])).toMatchObject({
      outcome: 'warn',
      message: expect.stringContaining('service cache'),
    });
    expect(judgeRuns([run, { ...run, alive: false }])).toMatchObject({
      outcome: 'fail',
      hint: 'examctl recover',
    });
    expect(judgeRuns([{ ...run, alive: false, open: [], damage: 'it is missing' }])).toMatchObject({
      outcome: 'unknown',
    });
  });

  it('says who holds the run lock', () => {
    const holder = { run: 'r', actor: 'ada', host: 'here', pid: 1, operation: 'rehearse', reason: null };
    const at = now.toISOString();
    const lock: LockState = {
      holder,
      epoch: 1,
      where: 'database',
      acquiredAt: at,
      expiresAt: at,
      expired: false,
    };
    expect(judgeLock(null)).toMatchObject({ outcome: 'pass' });
    expect(judgeLock(lock)).toMatchObject({ outcome: 'warn', message: expect.stringContaining('ada@here') });
    expect(judgeLock({ ...lock, expired: true })).toMatchObject({ outcome: 'pass' });
  });

  it('gives the age of the last verdict', () => {
    const last = { run: 'r', at: '2026-11-28T10:00:00Z' };
    expect(judgeVerdict({ ...last, verdict: 'GO' }, now)).toMatchObject({
      outcome: 'pass',
      message: expect.stringMatching(/^GO 3 days ago/),
    });
    expect(judgeVerdict({ ...last, verdict: 'NO-GO' }, now)).toMatchObject({ outcome: 'warn' });
    expect(judgeVerdict(null, now)).toMatchObject({ outcome: 'skipped' });
    expect(fromNow('2026-12-01T09:59:00Z', now)).toBe('1 min ago');
  });
});
