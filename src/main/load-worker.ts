import { createInterface } from 'node:readline';
import { openLoadHttp } from '../adapters/http-load.ts';
import { runBuiltin } from '../load/engine/builtin.ts';
import type { LoadPlan } from '../load/load-plan.ts';

/**
 * One of several processes of the built-in engine. Its first line of input is the job, which holds tokens; the end of its
 * input says that whoever started it is gone. Says each request, and how many students are at work, as lines of JSON.
 */
export async function runLoadWorker(): Promise<void> {
  const abort = new AbortController();
  const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const input = createInterface({ input: process.stdin });
  const job = new Promise<{ readonly plan: LoadPlan; readonly ledgerFile: string }>((resolve) => {
    input.once('line', (line) => resolve(JSON.parse(line)));
  });
  input.once('close', () => abort.abort());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => abort.abort());
  const { plan, ledgerFile } = await job;
  const { baseUrl, students, requestTimeoutSeconds } = plan;
  const http = openLoadHttp({
    baseUrl,
    connections: students.length,
    timeoutSeconds: requestTimeoutSeconds,
    env: process.env,
  });
  const ended = await runBuiltin({
    plan,
    http,
    ledgerFile,
    signal: abort.signal,
    onSample: (sample) => say({ sample }),
    onFailure: (failure) => say({ failure }),
    onStudents: (students) => say({ students }),
  });
  say({ ended });
  input.close();
}
