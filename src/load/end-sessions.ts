import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Failure, failureOf } from './failure.ts';
import { readLedger } from './ledger.ts';
import { attemptLine, type Write, writeLine } from './ledger-lines.ts';
import type { LoadPlan } from './load-plan.ts';
import { NdjsonFile } from './ndjson-file.ts';
import type { LoadHttp } from './ports.ts';
import { isFailed, type Sample } from './sample.ts';

/** without an answer, or more of them than can be ended */
const deadlineMs = 10_000;
/** with what a rate limit wants to be waited for: the platform counts by the minute */
const longestMs = 90_000;
const atOnce = 10;

/**
 * Submits what a stopped run, or a student who gave up, has left open: sessions in progress would stand in the way of
 * whoever operates the environment next. A rate limit is waited out. Has a deadline of its own instead of the run's signal.
 * Returns how many remain.
 */
export async function endSessions(options: {
  readonly plan: LoadPlan;
  readonly ledgerFile: string;
  openHttp(): LoadHttp;
  onSample(sample: Sample): void;
  onFailure(failure: Failure): void;
}): Promise<number> {
  const { plan, ledgerFile, onSample, onFailure } = options;
  const open = await openSessions(ledgerFile);
  if (open.size === 0) return 0;
  const tokens = new Map(plan.students.map(({ number, token }) => [number, token]));
  const http = options.openHttp();
  const ledger = new NdjsonFile(ledgerFile, 'append');
  const deadline = new Deadline();
  const left = [...open];

  async function endOne([sessionId, student]: readonly [string, number]): Promise<void> {
    for (let attempt = 1; !deadline.signal.aborted; attempt += 1) {
      const write: Write = { kind: 'submit', student, sessionId, sent: null, attempt };
      ledger.write(attemptLine(write));
      const at = Date.now();
      const answer = await http.request({
        method: 'POST',
        path: `/sessions/${sessionId}/submit`,
        token: tokens.get(student) ?? '',
        signal: deadline.signal,
      });
      const ms = Date.now() - at;
      onSample({ at, ms, lag: 0, endpoint: 'submit', phase: 'teardown', status: answer.status });
      if (isFailed(answer)) onFailure(failureOf('submit', answer));
      ledger.write(writeLine(write, at, ms, answer));
      if (!isFailed(answer)) open.delete(sessionId);
      if (answer.status !== 429 || !(await deadline.waitedOut(answer.retryAfterSeconds ?? 60))) return;
    }
  }

  async function endOneByOne(): Promise<void> {
    for (let next = left.shift(); next !== undefined && !deadline.signal.aborted; next = left.shift())
      await endOne(next);
  }

  try {
    await Promise.all(Array.from({ length: atOnce }, endOneByOne));
  } finally {
    deadline.clear();
    ledger.close();
    await http.close();
  }
  return open.size;
}

/** Moves with what it is told to wait for. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #latest = performance.now() + longestMs;
  #timer: NodeJS.Timeout | undefined;
  #at = 0;

  constructor() {
    setMaxListeners(0, this.signal);
    this.#moveTo(performance.now() + deadlineMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** false: it would take too long, or the time is over */
  async waitedOut(seconds: number): Promise<boolean> {
    const until = performance.now() + seconds * 1000;
    if (until > this.#latest) return false;
    this.#moveTo(Math.max(this.#at, until + deadlineMs));
    await sleep(seconds * 1000, undefined, { signal: this.signal }).catch(() => undefined);
    return !this.signal.aborted;
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #moveTo(at: number): void {
    clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => this.#controller.abort(), at - performance.now());
  }
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
