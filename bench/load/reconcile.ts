import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import pg from 'pg';
import type { Reconciliation } from '../../src/load/reconcile/reconciliation.ts';
import { type GeneratedDatabase, openGenerated } from '../integrity/generate.ts';
import { operatorOf } from '../integrity/suite.ts';
import { type Bench, ended, type Figure, figure, milliseconds } from '../measure.ts';

/** Answers of which the ledger says that they were acknowledged, and that are not in the database. */
const lost = 100;

export const loadReconcile: Bench = {
  id: 'load-reconcile',
  title:
    'load reconcile of a ledger with what the database has, the whole process, to jq reading the same ledger',
  run: async ({ smoke }) => {
    const generated = await openGenerated({
      // when smoke runs are side by side, each has a database of its own
      sessions: smoke ? 3_000 : 400_000,
      settings: 'tuned',
      onProgress: (what) => console.error(what),
    });
    const folder = mkdtempSync(join(tmpdir(), 'examctl-bench-ledger-'));
    try {
      const figures: Figure[] = [];
      for (const lines of smoke ? [20_000] : [1_000_000, 10_000_000])
        figures.push(...(await figuresOf(generated, join(folder, `${lines}-ledger.ndjson`), lines)));
      return figures;
    } finally {
      rmSync(folder, { recursive: true, force: true });
      await generated.stop();
    }
  },
};

async function figuresOf({ url }: GeneratedDatabase, ledger: string, wanted: number): Promise<Figure[]> {
  const { lines, answers } = await writeLedger(url, ledger, wanted);
  const size = `${(lines / 1e6).toFixed(1)} million lines, ${Math.round(statSync(ledger).size / 2 ** 20)} MB`;
  const jq = await milliseconds(() => ended('jq', ['-c', 'select(.kind == "answer") | .sent', ledger]));
  const { run, remove } = operatorOf(url);
  try {
    const args = ['load', 'reconcile', ledger, '-e', 'bench', '-o', 'json'];
    const { stdout, seconds, megabytes } = await run(args, { exitCode: 1 });
    const { counts, answers: compared } = JSON.parse(stdout) as Reconciliation;
    if (counts.lost !== lost || counts.changed !== 0 || counts.ghost !== 0 || compared !== answers)
      throw new Error(`${compared} of ${answers} answers compared: ${JSON.stringify(counts)}`);
    return [
      figure({ name: `${size}: jq`, unit: 's', median: jq / 1000, n: 1, ratio: null, goal: null }),
      figure({
        name: `${size}: load reconcile`,
        unit: 's',
        median: seconds,
        n: 1,
        ratio: (1000 * seconds) / jq,
        goal: null,
      }),
      figure({ name: `${size}: memory`, unit: 'MB', median: megabytes, n: 1, ratio: null, goal: 500 }),
    ];
  } finally {
    remove();
  }
}

/** What a load would have written that made the first sessions of the database: two lines for each write. */
async function writeLedger(url: string, file: string, wanted: number) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const out = createWriteStream(file);
  let lines = 0;
  let answers = 0;
  const write = async (line: object) => {
    lines += 1;
    if (!out.write(`${JSON.stringify(line)}\n`)) await once(out, 'drain');
  };
  const at = '2026-01-05T09:00:00.000Z';
  const writeBoth = async (kind: 'answer' | 'submit', about: object, stored: number | null) => {
    const sent = kind === 'answer' ? stored : null;
    await write({ kind: 'attempt', write: kind, at, attempt: 1, student: 1, ...about, sent });
    await write({
      kind,
      at,
      attempt: 1,
      ms: 12.5,
      student: 1,
      ...about,
      sent,
      status: 200,
      acknowledged: stored,
      storedAt: at,
      outcome: 'acknowledged',
    });
  };
  try {
    await client.query('BEGIN READ ONLY');
    await client.query(
      `DECLARE chosen CURSOR FOR SELECT id, status::text, score_correct FROM test_sessions ORDER BY id`,
    );
    while (lines < wanted) {
      const sessions = (await client.query('FETCH 2000 FROM chosen')).rows;
      if (sessions.length === 0) break;
      for (const { id: sessionId, status, score_correct } of sessions) {
        await write({ kind: 'session', student: 1, sessionId });
        if (status === 'SUBMITTED') await writeBoth('submit', { sessionId }, score_correct);
      }
      const stored = await client.query(
        `SELECT session_id, question_id, selected_index FROM session_answers
          WHERE session_id = ANY ($1::uuid[]) ORDER BY answered_at`,
        [sessions.map(({ id }) => id)],
      );
      for (const { session_id: sessionId, question_id: questionId, selected_index } of stored.rows) {
        answers += 1;
        await writeBoth('answer', { sessionId, questionId }, selected_index);
      }
      if (answers > 0 && lines >= wanted) {
        const { id: sessionId } = sessions[0];
        for (let number = 0; number < lost; number += 1) {
          answers += 1;
          const questionId = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
          await writeBoth('answer', { sessionId, questionId }, 3);
        }
      }
    }
  } finally {
    out.end();
    await finished(out);
    await client.end();
  }
  return { lines, answers };
}
