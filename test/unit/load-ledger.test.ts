import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLedgerLine, readLedger } from '../../src/load/ledger.ts';
import { summarizeLedger } from '../../src/load/ledger-summary.ts';
import { NdjsonFile } from '../../src/load/ndjson-file.ts';
import { summarizeWindow } from '../../src/load/window-summary.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-ledger-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ledgerOf(...lines: (object | string)[]): string {
  const file = join(folder, `${lines.length}-${Math.random()}.ndjson`);
  writeFileSync(
    file,
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );
  return file;
}

const about = { at: '2026-01-01T10:00:00Z', ms: 1, student: 1, sessionId: 's', status: 200 };
const answer = (sent: number, outcome = 'acknowledged', acknowledged: number | null = sent) => ({
  ...about,
  kind: 'answer',
  questionId: 'q',
  sent,
  acknowledged: outcome === 'acknowledged' ? acknowledged : null,
  outcome,
});
const submit = (score: number, sessionId = 's') => ({
  ...about,
  sessionId,
  kind: 'submit',
  sent: null,
  acknowledged: score,
  outcome: 'acknowledged',
});

test('lines of anything else, and a line that was cut off, are passed over', async () => {
  const file = ledgerOf(
    'time="..." level=warning msg="Request Failed"',
    '{"other":1}',
    answer(1),
    '{"kind":"ans',
  );
  const lines = [];
  for await (const line of readLedger(file)) lines.push(line);
  expect(lines).toEqual([answer(1)]);
  expect(parseLedgerLine('null')).toBeUndefined();
});

test('a ledger that is not there is an error and not an empty one', async () => {
  await expect(summarizeLedger(join(folder, 'none.ndjson'))).rejects.toThrow('ENOENT');
});

test('the summary counts students, their reasons, and scores that differ', async () => {
  const summary = await summarizeLedger(
    ledgerOf(
      submit(3),
      submit(3),
      submit(1, 'other'),
      submit(2, 'other'),
      { kind: 'student', student: 1, sessionId: 's', completed: true },
      {
        kind: 'student',
        student: 2,
        sessionId: null,
        completed: false,
        reason: 'without a session: no answer',
      },
    ),
  );
  expect(summary).toEqual({
    writes: 4,
    studentsFinished: 1,
    reasons: { 'without a session: no answer': 1 },
    submittedTwice: 2,
    scoresDiffer: ['other'],
  });
});

test('a line is in the file at once', async () => {
  const path = join(folder, 'at-once.ndjson');
  const file = new NdjsonFile(path);
  file.write(answer(2));
  expect((await summarizeLedger(path)).writes).toBe(1);
  file.close();
});

test('a folder that cannot be written is told with its path', () => {
  expect(() => new NdjsonFile(join(folder, 'no-such-folder', 'x.ndjson'))).toThrow(
    /cannot write .*no-such-folder/,
  );
});

test('the percentile of a window comes from its requests, not from percentiles of its seconds', async () => {
  const at = Date.parse('2026-01-01T10:00:00Z');
  const sample = { endpoint: 'answer', phase: 'measured', status: 200 };
  const file = ledgerOf(
    { ...sample, at: at - 1, ms: 900 },
    { ...sample, at, ms: 10 },
    { ...sample, at: at + 1, ms: 20 },
    { ...sample, at: at + 2, ms: 1, status: 503 },
    { ...sample, at: at + 3, ms: 900, phase: 'teardown' },
    { ...sample, at: at + 1000, ms: 900 },
  );
  expect(await summarizeWindow(file, { from: new Date(at), to: new Date(at + 1000) })).toEqual({
    requests: 3,
    failed: 1,
    errorRate: 1 / 3,
    p95: 20,
  });
});
