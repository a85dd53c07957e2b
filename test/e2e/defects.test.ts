import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gates } from '../../src/rehearsal/gates/index.ts';
import type { RehearsalResult } from '../../src/rehearsal/rehearse.ts';
import { type DefectId, sandboxDefects } from '../../src/sandbox/defects.ts';
import { Examctl } from '../support/examctl.ts';
import { onlyInFull, sampleOne } from '../support/sample.ts';

/** The phases that a gate needs: the others would only take time. */
const phasesOf: Readonly<Record<string, string>> = {
  'zero-data-loss': '2,4',
  'no-corrupted-sessions': '2,4',
  'p95-latency': '2',
  recovery: '6',
  'audit-trail': '1,2,5',
  'exam-mode': '1',
  'graceful-failure': '2,3',
  'error-rate': '2',
  'db-pool': '2',
};

/** What a defect needs beside the phases of its gate. */
const alsoFor: Partial<Record<DefectId, string>> = {
  // a worker that is killed takes what it has acknowledged and not stored yet
  'early-acknowledgement': '3',
};

describe('the gates', () => {
  it('each have a defect of the sandbox that turns them', () => {
    const turned = new Set(sandboxDefects.map(({ gate }) => gate));
    expect([...turned].sort()).toEqual(gates.map(({ id }) => id).sort());
  });
});

/** As many as have gates of their own: each has to be seen beside the others. */
const together: readonly (readonly DefectId[])[] = [
  ['lost-answers', 'connection-leak'],
  ['wrong-option', 'unscored-sessions', 'server-errors'],
  ['lost-update', 'slow-restart', 'exam-mode-gap'],
  ['early-acknowledgement', 'unstoppable-job'],
  ['double-submit', 'rate-limit-fails-closed'],
  ['slow-queries', 'missing-audit-trail'],
];

it('every defect is tried', () => {
  expect(together.flat().sort()).toEqual(sandboxDefects.map(({ id }) => id).sort());
});

const tried = sampleOne(together, String);

describe('a rehearsal of a sandbox with', () => {
  for (const ids of together) {
    const expected = sandboxDefects.filter(({ id }) => ids.includes(id)).map(({ gate }) => gate);
    const title = `${ids.join(' and ')} is not GO, and ${expected.join(' and ')} says so`;
    it(title, { timeout: 300_000 }, async ({ onTestFinished, skip }) => {
      if (!tried.includes(ids)) skip(onlyInFull);
      const examctl = new Examctl();
      onTestFinished(() => examctl.remove(), 120_000);
      // other tests share the cores: a sound platform keeps the one limit on any machine, slow queries the other on none
      const limit = expected.includes('p95-latency') ? 100 : 60_000;
      writeFileSync(join(examctl.cwd, 'examctl.yaml'), `thresholds: { p95_ms: ${limit} }\n`);
      const up = await examctl.run('sandbox', 'up');
      expect(up.exitCode, up.stderr).toBe(0);
      for (const id of ids) expect((await examctl.run('sandbox', 'break', id)).exitCode).toBe(0);
      const needed = [...expected.map((gate) => phasesOf[gate]), ...ids.map((id) => alsoFor[id])];
      const phases = [...new Set(needed.flatMap((some) => some?.split(',') ?? []))].sort();
      const rehearsal = await examctl.run('rehearse', '--phases', phases.join(','), '-o', 'json');
      expect(rehearsal.exitCode, rehearsal.stderr).toBe(1);
      const result = JSON.parse(rehearsal.stdout) as RehearsalResult;
      expect(result.verdict).toBe('NO-GO');
      const failed = result.gates.filter(({ outcome }) => outcome === 'fail');
      expect(failed.map((failure) => failure.id).sort(), JSON.stringify(failed, null, 2)).toEqual(
        expected.sort(),
      );
      // the sandbox was there before, so it stays
      expect((await examctl.run('sandbox', 'status')).exitCode).toBe(0);
    });
  }
});
