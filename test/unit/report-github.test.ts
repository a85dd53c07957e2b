import { describe, expect, it } from 'vitest';
import type { OutcomeRecord } from '../../src/lifecycle/outcome.ts';
import { renderReport } from '../../src/report/render.ts';

const render = async (outcomes: readonly OutcomeRecord[], exitCode = 0) =>
  (
    await renderReport(
      { kind: 'integrity.check', data: {}, outcomes, blocks: [], exitCode },
      { format: 'github', colour: true, width: 40, terminal: true },
    )
  ).split('\n');

const record = (outcome: OutcomeRecord['outcome'], more: Partial<OutcomeRecord> = {}): OutcomeRecord => ({
  id: `a-${outcome}`,
  title: 'each answer is stored',
  outcome,
  message: 'seen',
  ...more,
});

describe('annotations of GitHub Actions', () => {
  it('are errors, warnings and notices, the failed first, and none for a pass', async () => {
    const lines = await render(
      ['skipped', 'pass', 'warn', 'unknown', 'fail'].map((one) => record(one as never)),
    );

    expect(lines).toEqual([
      '::error title=a-fail%3A fail::each answer is stored: seen',
      '::error title=a-unknown%3A unknown::each answer is stored: seen',
      '::warning title=a-warn%3A warn::each answer is stored: seen',
      '::notice title=a-skipped%3A skipped::each answer is stored: seen',
      '1 skipped, 1 pass, 1 warn, 1 unknown, 1 fail',
      '',
    ]);
  });

  it('say what to do on a line of their own', async () => {
    const [line] = await render([record('fail', { hint: 'restore it' })]);

    expect(line).toBe('::error title=a-fail%3A fail::each answer is stored: seen%0AWhat to do: restore it');
  });

  it('keep their text in one command, whatever it holds', async () => {
    const [line, counts] = await render([
      record('fail', { id: 'a:b,c', message: '50 %\r\n::set-env name=X::y\n::error::z' }),
    ]);

    expect(line).toBe(
      '::error title=a%3Ab%2Cc%3A fail::each answer is stored: 50 %25%0D%0A::set-env name=X::y%0A::error::z',
    );
    expect(counts).toBe('1 fail');
  });

  it('stand at the line of the file that is wrong', async () => {
    const lines = await render([
      record('fail', { at: { file: 'ops/checks/a,b.sql', line: 7 } }),
      record('warn', { at: { file: 'examctl.yaml', line: 9, column: 5 } }),
    ]);

    expect(lines.slice(0, 2)).toEqual([
      '::error file=ops/checks/a%2Cb.sql,line=7,title=a-fail%3A fail::each answer is stored: seen',
      '::warning file=examctl.yaml,line=9,col=5,title=a-warn%3A warn::each answer is stored: seen',
    ]);
  });

  it('cannot be undone by a text that looks escaped', async () => {
    const [line] = await render([record('warn', { message: '%0A' })]);

    expect(line).toMatch(/::each answer is stored: %250A$/);
  });

  it('of a report without outcomes are its exit code', async () => {
    expect(await render([], 1)).toEqual([
      '::error title=integrity.check%3A fail::integrity.check: exit code 1',
      '1 fail',
      '',
    ]);
  });
});
