import { parseArgs } from 'node:util';
import pg from 'pg';
import { readPackagedSql, type SqlFile } from '../../src/adapters/sql-files.ts';
import { viewsFrom } from '../../src/checks/checks-from.ts';
import { viewsOf } from '../../src/checks/statements/views.ts';
import { type GeneratedDatabase, openGenerated } from './generate.ts';

/**
 * `npx tsx bench/integrity/verify.ts [--sessions 2000]`: whether each check, run by itself, finds what was planted.
 * With --serve it leaves the server running instead, until Ctrl-C.
 */
const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '2000' },
    settings: { type: 'string', default: 'tuned' },
    serve: { type: 'boolean', default: false },
  },
});
const generated = await openGenerated({
  sessions: Number(values.sessions),
  settings: values.settings === 'stock' ? 'stock' : 'tuned',
  onProgress: (what) => console.error(what),
});
try {
  const { seconds, bytes, folder, url } = generated;
  console.log(`made in ${seconds.toFixed(1)} s, ${(bytes / 2 ** 20).toFixed(0)} MiB, in ${folder}`);
  if (values.serve) {
    console.log(`${url}\nCtrl-C stops it`);
    const alive = setInterval(() => undefined, 60_000);
    await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
    clearInterval(alive);
  } else {
    process.exitCode = (await verify(generated)) ? 0 : 1;
  }
} finally {
  await generated.stop();
}

async function verify({ url, expected }: GeneratedDatabase): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, options: '-c jit=off' });
  await client.connect();
  let isRight = true;
  const compare = (what: string, found: unknown, meant: unknown, ms: number) => {
    const verdict = found === meant ? 'right' : `WRONG, planted ${meant}`;
    isRight &&= found === meant;
    console.log(
      [what.padEnd(34), String(found).padStart(8), `${ms.toFixed(0)} ms`.padStart(10), verdict].join('  '),
    );
  };
  try {
    const views = await readPackagedSql('exam-platform', 'views');
    for (const kind of ['checks', 'classic']) {
      for (const { header, sql } of await readPackagedSql('exam-platform', kind)) {
        const id = header.get('id')?.value ?? '';
        if (id === 'unlogged-writes') continue;
        const begin = performance.now();
        const { rows } = await client.query(withViews(sql, views));
        const ms = performance.now() - begin;
        const count = rows[0]?.orphaned_answers ?? rows[0]?.orphaned_events;
        compare(id, Number(count ?? rows.length), expected.findings[id], ms);
        for (const [name, total] of Object.entries(expected.totals)) {
          if (id === `count-${name}`) compare(`  ${name}`, rows[0]?.[name], total, 0);
        }
      }
    }
  } finally {
    await client.end();
  }
  return isRight;
}

/** Checks may name views, as if these were tables. */
function withViews(sql: string, files: readonly SqlFile[]): string {
  const used = viewsOf([sql], viewsFrom(files));
  if (used.length === 0) return sql;
  return `WITH ${used.map((view) => `${view.name} AS (${view.sql})`).join(', ')} SELECT * FROM (${sql}) found`;
}
