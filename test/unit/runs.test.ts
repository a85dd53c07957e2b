import { describe, expect, it } from 'vitest';
import { runRunsList } from '../../src/commands/runs-list.ts';
import { runRunsShow } from '../../src/commands/runs-show.ts';
import type { JournalEntry, JournalLine } from '../../src/lifecycle/journal.ts';
import type { RunArchive } from '../../src/lifecycle/run-archive.ts';
import { localTime, localZone } from '../../src/report/local-time.ts';
import { renderReport } from '../../src/report/render.ts';
import type { Report } from '../../src/report/report.ts';

const begin = (run: string, operation: string, environment = 'prod'): JournalEntry => ({
  type: 'run.started',
  ...{ run, operation, environment, actor: 'ada', host: 'here', pid: 1, reason: 'why not' },
});
const end = (result: 'done' | 'failed-reverted' = 'done'): JournalEntry => ({
  type: 'run.finished',
  by: 'run',
  result,
  message: result,
});
const change: JournalEntry = {
  type: 'change.started',
  ...{ change: 1, target: 'service cache', apply: { kind: 'x' }, revert: { kind: 'x' } },
  undoneBy: 'guardian',
  deadline: null,
};

const journals: Readonly<Record<string, readonly JournalEntry[]>> = {
  '20261201T1-rehearse-aaaa': [begin('a', 'rehearse'), { type: 'verdict.reached', verdict: 'GO' }, end()],
  '20261201T2-rehearse-bbbb': [begin('b', 'rehearse'), { type: 'verdict.reached', verdict: 'NO-GO' }, end()],
  '20261201T3-exam-mode-on-cccc': [begin('c', 'exam-mode on', 'staging'), end('failed-reverted')],
  '20261201T4-fault-inject-dddd': [begin('d', 'fault inject redis-outage'), change],
};

const archive = {
  list: () => Object.keys(journals).toReversed(),
  find: (id: string) => Object.keys(journals).find((one) => one.endsWith(id)),
  open: () => [{ id: '20261201T4-fault-inject-dddd', life: 'gone' }],
  path: (id: string) => `/runs/${id}`,
  journal: (id: string) => ({
    read: async () =>
      (journals[id] ?? []).map(
        (line, minute): JournalLine => ({ at: `2026-12-01T10:0${minute}:00.000Z`, ...line }),
      ),
    damage: async () => null,
  }),
} as unknown as RunArchive;

async function told(command: (report: (one: Report) => Promise<void>) => Promise<void>) {
  let text = '';
  await command(async (report) => {
    text = await renderReport(report, { format: 'table', colour: false, width: 80, terminal: true });
  });
  return text;
}

const list = (flags: object = {}, env?: string) =>
  told((report) =>
    runRunsList({ limit: 20, ...flags }, { archive, report, options: { env } } as Parameters<
      typeof runRunsList
    >[1]),
  );

describe('runs list', () => {
  it('says how each ended, with its verdict, how long it took and what is open, on 80 columns', async () => {
    const lines = (await list()).trimEnd().split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(80);
    const text = lines.join('\n');
    expect(text).toMatch(/^aaaa .* rehearse +prod +ada +2m +GO$/m);
    expect(text).toMatch(/^bbbb .* NO-GO$/m);
    expect(text).toMatch(/^cccc .* failed/m);
    expect(text).toContain(localTime('2026-12-01T10:00:00Z'));
    expect(text).toMatch(/^dddd .* died: examctl$/m);
  });

  it.each([
    [{ result: 'no-go' }, undefined, ['bbbb']],
    [{ result: 'failed' }, undefined, ['cccc']],
    [{ result: 'open' }, undefined, ['dddd']],
    [{ operation: 'rehearse' }, undefined, ['bbbb', 'aaaa']],
    [{ since: new Date('2026-12-01T11:00Z') }, undefined, []],
    [{}, 'staging', ['cccc']],
    [{ limit: 1, operation: 'rehearse' }, undefined, ['bbbb']],
  ])('shows only what is asked for: %j on %s', async (flags, env, ids) => {
    expect((await list(flags, env)).match(/\b(aaaa|bbbb|cccc|dddd)\b/g) ?? []).toEqual(ids);
  });
});

describe('runs show', () => {
  const show = (id: string, flags = {}) =>
    told((report) => runRunsShow(id, flags, { archive, report } as Parameters<typeof runRunsShow>[2]));

  it('says in a few words what a run did and what is left', async () => {
    const text = await show('dddd');
    expect(text).toContain('fault inject redis-outage on prod: died: examctl recover; open: service cache');
    expect(text).toMatch(/1 +service cache +open/);
    expect(text).toContain('why not');
    expect(text).not.toContain('change.started');
  });

  it('shows the journal on demand', async () => {
    expect(await show('dddd', { journal: true })).toContain('change.started');
    expect(await show('aaaa')).toMatch(/Verdict +GO/);
  });
});

it('names the zone that local times are in', () => {
  expect(localZone()).toMatch(/^UTC([+-]\d+(:\d\d)?)?$/);
});
