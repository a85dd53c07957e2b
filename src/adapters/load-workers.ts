import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Undetermined } from '../lifecycle/errors.ts';

export interface LoadWorkerJob<Sample, Failure> {
  readonly plan: object;
  readonly ledgerFile: string;
  readonly signal: AbortSignal;
  onSample(sample: Sample): void;
  onFailure(failure: Failure): void;
  onStudents?(count: number): void;
}

interface Ended {
  readonly aborted: boolean;
  readonly busyCores: number | null;
}

/** Runs a part of a load plan in a process of its own. */
export async function runLoadWorker<Sample, Failure>(
  program: readonly string[],
  job: LoadWorkerJob<Sample, Failure>,
): Promise<Ended> {
  const { plan, ledgerFile, signal, onSample, onFailure, onStudents } = job;
  const [node = process.execPath, ...args] = program;
  const child = spawn(node, [...args, 'internal', 'load-worker'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  // it may end before it has read its job
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify({ plan, ledgerFile })}\n`);
  const stop = () => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 4_000).unref();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let ended: Ended | undefined;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text);
    if (line.sample !== undefined) onSample(line.sample);
    if (line.failure !== undefined) onFailure(line.failure);
    if (line.students !== undefined) onStudents?.(line.students);
    ended = line.ended ?? ended;
  }
  const [code, killed] = await closed;
  signal.removeEventListener('abort', stop);
  if (ended !== undefined) return ended;
  if (signal.aborted) return { aborted: true, busyCores: null };
  throw new Undetermined(`a load worker ended with ${killed ?? code}: ${said.trim().split('\n').at(-1)}`, {
    hint: 'the ledger has what was sent until then: examctl load reconcile',
  });
}
