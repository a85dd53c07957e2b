import { setMaxListeners } from 'node:events';
import { readLedger } from './ledger.ts';
import { attemptLine, type Write, writeLine } from './ledger-lines.ts';
import type { LoadPlan } from './load-plan.ts';
import { NdjsonFile } from './ndjson-file.ts';
import type { LoadHttp } from './ports.ts';
import { isFailed, type Sample } from './sample.ts';

const deadlineMs = 10_000;
const atOnce = 10;

/**
 * Submits what a stopped run, or a student who gave up, has left open: sessions in progress would stand in the way of
 * whoever operates the environment next. Has a deadline of its own instead of the run's signal. Returns how many remain.
 */
export async function endSessions(options: {
  readonly plan: LoadPlan;
  readonly ledgerFile: string;
  openHttp(): LoadHttp;
  onSample(sample: Sample): void;
}): Promise<number> {
  const { plan, ledgerFile, onSample } = options;
  const open = await openSessions(ledgerFile);
  if (open.size === 0) return 0;
  const tokens = new Map(plan.students.map(({ number, token }) => [number, token]));
  const http = options.openHttp();
  const ledger = new NdjsonFile(ledgerFile, 'append');
  const signal = AbortSignal.timeout(deadlineMs);
  setMaxListeners(0, signal);
  const left = [...open];

  async function endOneByOne(): Promise<void> {
    for (let next = left.shift(); next !== undefined && !signal.aborted; next = left.shift()) {
      const [sessionId, student] = next;
      const write: Write = { kind: 'submit', student, sessionId, sent: null, attempt: 1 };
      ledger.write(attemptLine(write));
      const at = Date.now();
      const answer = await http.request({
        method: 'POST',
        path: `/sessions/${sessionId}/submit`,
        token: tokens.get(student) ?? '',
        signal,
      });
      const ms = Date.now() - at;
      onSample({ at, ms, lag: 0, endpoint: 'submit', phase: 'teardown', status: answer.status });
      ledger.write(writeLine(write, at, ms, answer));
      if (!isFailed(answer)) open.delete(sessionId);
    }
  }

  try {
    await Promise.all(Array.from({ length: atOnce }, endOneByOne));
  } finally {
    ledger.close();
    await http.close();
  }
  return open.size;
}

/** session -> student */
async function openSessions(ledgerFile: string): Promise<Map<string, number>> {
  const open = new Map<string, number>();
  for await (const line of readLedger(ledgerFile)) {
    if (line.kind === 'session') open.set(line.sessionId, line.student);
    if (line.kind === 'submit' && line.outcome === 'acknowledged') open.delete(line.sessionId);
  }
  return open;
}
