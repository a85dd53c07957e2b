import { cpus, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { fault } from './fault.ts';
import { integrityIncremental } from './integrity/incremental.ts';
import { integrity } from './integrity/integrity.ts';
import { integrityLive } from './integrity/live.ts';
import { loadGenerators } from './load/generators.ts';
import { loadReconcile } from './load/reconcile.ts';
import type { Bench, Figure } from './measure.ts';
import { sandboxUp } from './sandbox-up.ts';
import { services } from './services.ts';
import { startup } from './startup.ts';

const benches: readonly Bench[] = [
  fault,
  integrity,
  integrityIncremental,
  integrityLive,
  loadGenerators,
  loadReconcile,
  sandboxUp,
  services,
  startup,
];

/** Of a smoke run. More would keep each other from what has to happen in time. */
const atOnce = 4;

/** `npm run bench -- [--smoke] [--json] [name...]` */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { smoke: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const unknown = positionals.find((name) => benches.every(({ id }) => id !== name));
if (unknown !== undefined) {
  console.error(`there is no bench "${unknown}"; all: ${benches.map(({ id }) => id).join(', ')}`);
  process.exit(2);
}

const machine = `${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}, Node.js ${process.version}`;
const results: { id: string; title: string; figures: readonly Figure[] }[] = [];
if (!values.json) console.log(machine);
const chosen = benches.filter(({ id }) => positionals.length === 0 || positionals.includes(id));
if (values.smoke) {
  // only whether they work: nothing is compared, so they need not be alone
  process.env.TMPDIR = temporaryFolder();
  const waiting = [...chosen];
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, () => measureAll(waiting)));
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
} else {
  for (const bench of chosen) await measure(bench);
}
if (values.json) console.log(JSON.stringify({ machine, smoke: values.smoke, benches: results }, null, 2));

async function measureAll(waiting: Bench[]): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await measure(next);
}

async function measure({ id, title, run }: Bench): Promise<void> {
  const figures = await run({ smoke: values.smoke });
  results.push({ id, title, figures });
  if (!values.json) console.log(`\n${id}: ${title}\n${table(figures)}`);
}

function table(figures: readonly Figure[]): string {
  const rows = [
    ['what', 'median', 'n', 'ratio', 'goal'],
    ...figures.map(({ name, unit, median, n, ratio, goal }) => [
      name,
      `${median.toFixed(unit === 's' ? 2 : unit === 'MB' ? 0 : 1)} ${unit}`,
      String(n),
      ratio?.toFixed(2) ?? '1',
      goal === null ? '' : `<= ${goal}${(ratio ?? median) > goal ? ', missed' : ''}`,
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 || column === 4
            ? cell.padEnd(widths[column] ?? 0)
            : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
