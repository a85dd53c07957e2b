import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../lifecycle/environment.ts';
import { ExamctlError, isExpected, messageOf } from '../lifecycle/errors.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { captureSummary } from './capture-summary.ts';
import type { CollectContext, Collector, Figure, FigureTable } from './collector.ts';
import { evidenceFiles, notWritten } from './evidence-files.ts';
import { collectors as allCollectors } from './index.ts';

export interface CaptureOptions {
  readonly environment: Environment;
  /** made when it is not there; what is in it of an earlier capture is written over */
  readonly folder: string;
  readonly since: Date;
  readonly signal: AbortSignal;
  readonly collectors?: readonly Collector[];
  readonly onProgress?: (message: string) => void;
}

export interface Collected {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly help: string;
  readonly result: 'ok' | 'failed';
  /** why it failed */
  readonly reason?: string;
  readonly hint?: string;
  readonly durationMs: number;
  readonly figures: readonly Figure[];
  readonly tables: readonly FigureTable[];
  /** relative to the folder */
  readonly evidence: readonly string[];
}

export interface Capture {
  readonly environment: string;
  readonly platform: string;
  readonly folder: string;
  readonly since: Date;
  readonly capturedAt: Date;
  readonly collectors: readonly Collected[];
  /** one each: a collector that failed is `unknown`, as nothing was seen */
  readonly outcomes: readonly OutcomeRecord[];
  /** relative to the folder */
  readonly files: readonly string[];
}

/** Reads every metric of this moment, and of the log since a time, into a folder. Read-only towards the platform. */
export async function captureMetrics({
  environment,
  folder,
  since,
  signal,
  collectors = allCollectors,
  onProgress = () => undefined,
}: CaptureOptions): Promise<Capture> {
  await orNotWritten(folder, mkdir(join(folder, 'evidence'), { recursive: true }));
  const collected: Collected[] = [];
  for (const collector of collectors) {
    signal.throwIfAborted();
    onProgress(`reading ${collector.title}`);
    collected.push(await collect(collector, { environment, since, signal }, folder));
  }
  const capture: Capture = {
    environment: environment.name,
    platform: environment.platform.id,
    folder,
    since,
    capturedAt: new Date(),
    collectors: collected,
    outcomes: collected.map(outcomeOfCollected),
    files: ['metrics.json', 'summary.md', ...collected.flatMap(({ evidence }) => evidence)],
  };
  const json = join(folder, 'metrics.json');
  const summary = join(folder, 'summary.md');
  await orNotWritten(json, writeFile(json, `${JSON.stringify(capture, null, 2)}\n`));
  await orNotWritten(summary, writeFile(summary, captureSummary(capture)));
  return capture;
}

async function orNotWritten(path: string, writing: Promise<unknown>): Promise<void> {
  try {
    await writing;
  } catch (cause) {
    throw notWritten(path, cause);
  }
}

async function collect(
  collector: Collector,
  context: Omit<CollectContext, 'evidence'>,
  folder: string,
): Promise<Collected> {
  const files = evidenceFiles(folder);
  const started = performance.now();
  const { id, title, unit, help } = collector;
  const known = () => ({ id, title, unit, help, durationMs: Math.round(performance.now() - started) });
  try {
    const { figures, tables = [] } = await collector.collect({ ...context, evidence: files.open });
    await files.open(`${id}.json`).write(JSON.stringify({ figures, tables }, null, 2));
    return { ...known(), result: 'ok', figures, tables, evidence: await files.close() };
  } catch (error) {
    const evidence = await files.abandon();
    context.signal.throwIfAborted();
    if (!isExpected(error)) throw error;
    return {
      ...known(),
      result: 'failed',
      reason: messageOf(error),
      ...(error instanceof ExamctlError && error.hint !== undefined ? { hint: error.hint } : {}),
      figures: [],
      tables: [],
      evidence,
    };
  }
}

function outcomeOfCollected({
  id,
  title,
  result,
  reason,
  hint,
  durationMs,
  evidence,
}: Collected): OutcomeRecord {
  const record = { id: `collected-${id}`, title: `${title} can be read`, evidence };
  if (result === 'ok') return { ...record, outcome: 'pass', message: `read in ${durationMs} ms` };
  return {
    ...record,
    outcome: 'unknown',
    message: reason ?? 'no reason given',
    ...(hint === undefined ? {} : { hint }),
  };
}
