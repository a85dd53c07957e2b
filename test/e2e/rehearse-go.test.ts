import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RehearsalResult } from '../../src/rehearsal/rehearse.ts';
import { Examctl, partState } from '../support/examctl.ts';

let examctl: Examctl;

beforeEach(() => {
  examctl = new Examctl();
});
afterEach(() => examctl.remove(), 120_000);

describe('a rehearsal of a sound platform', () => {
  it('is GO, leaves nothing behind and has its evidence in a folder', {
    timeout: 240_000,
  }, async () => {
    // other tests share the cores; how fast it answers is judged in bench/
    writeFileSync(join(examctl.cwd, 'examctl.yaml'), 'thresholds: { p95_ms: 60000 }\n');

    const { exitCode, stdout, stderr } = await examctl.run('rehearse', '-o', 'json');

    const result = JSON.parse(stdout) as RehearsalResult & { schema: string };
    expect(result.reasons, `${result.reasons.join('\n')}\n${stderr}`).toEqual([]);
    expect(exitCode, stderr).toBe(0);
    expect(result).toMatchObject({ schema: 'examctl/rehearsal/v1', verdict: 'GO', reasons: [] });
    expect(result.gates).toHaveLength(9);
    expect(result.gates.map(({ outcome }) => outcome)).toEqual(Array(9).fill('pass'));

    for (const file of [
      'plan.json',
      'report.md',
      'report.json',
      'junit.xml',
      'manifest.json',
      'journal.ndjson',
    ]) {
      expect(existsSync(join(result.folder, file)), file).toBe(true);
    }
    const named = result.gates.flatMap(({ evidence }) => evidence ?? []);
    expect(named.length).toBeGreaterThanOrEqual(9);
    for (const file of named) expect(existsSync(join(result.folder, file)), file).toBe(true);
    expect(readFileSync(join(result.folder, 'report.md'), 'utf8')).toContain('GO');
    expect(readFileSync(join(result.folder, 'report.json'), 'utf8')).not.toMatch(/eyJ|postgres:\/\//);

    expect(await partState(examctl, 'cache-1')).toBe('absent');
    const recover = await examctl.run('recover');
    expect(recover.stdout).toContain('nothing to recover');
    const audit = await examctl.json('audit', 'verify');
    expect(audit).toMatchObject({
      // the database went with the sandbox
      outcomes: [{ outcome: 'pass' }, { outcome: 'pass' }, { id: 'audit-anchors', outcome: 'skipped' }],
    });
  });
});
