import { setMaxListeners } from 'node:events';
import type { ApiResponse, Environment, Identity } from '../lifecycle/environment.ts';
import { isExpected } from '../lifecycle/errors.ts';
import type { Metric } from './stop-condition.ts';

/** One read of a student, with what a browser does when it fails: it tries again. */
export interface Beat {
  /** milliseconds since the epoch at which it was due */
  readonly at: number;
  /** from then until the first answer, in ms */
  readonly ms: number;
  /** the first try was not answered as it should be */
  readonly failed: boolean;
  readonly status: number | null;
  /** tries after the first one */
  readonly retries: number;
  /** none of the tries was answered as it should be */
  readonly lost: boolean;
}

export interface Window {
  readonly requests: number;
  readonly failed: number;
  /** null of no requests */
  readonly errorRate: number | null;
  readonly p95Ms: number | null;
  readonly retries: number;
  /** failed, whatever was tried */
  readonly lost: number;
}

/** Milliseconds. */
const every = 100;
const timeout = 5_000;
const retryAfter = 250;
const mostRetries = 2;
/** what waits longer than this at the same time is enough: the pulse must not become the load */
const mostUnderWay = 60;
const lookBack = 5_000;
const enoughBeats = 10;

/**
 * Asks ten times a second as a student, through the edge, whatever the fault is: the observation that expectations and
 * stop conditions are set against. It only reads.
 */
export class Pulse {
  readonly #environment: Environment;
  readonly #students: readonly Identity[];
  readonly #stop = manyMayListen(new AbortController());
  readonly #beats: Beat[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(environment: Environment, students: readonly Identity[]) {
    this.#environment = environment;
    this.#students = students;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#beat(), every);
  }

  /** Resolves when nothing is under way any more; what had no answer by then counts as it stood. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await Promise.allSettled(this.#underWay);
  }

  /** What was due in [from, to). */
  window(from: Date, to: Date): Window {
    return windowOf(this.#beats.filter(({ at }) => at >= from.getTime() && at < to.getTime()));
  }

  /** Of the last five seconds; null while there are too few beats to tell. */
  now(now: Date): Readonly<Record<Metric, number | null>> {
    const { requests, errorRate, p95Ms } = this.window(new Date(now.getTime() - lookBack), now);
    if (requests < enoughBeats) return { error_rate: null, p95_ms: null };
    return { error_rate: errorRate, p95_ms: p95Ms };
  }

  #beat(): void {
    if (this.#underWay.size >= mostUnderWay) return;
    const student = this.#students[this.#count++ % this.#students.length];
    if (student === undefined) return;
    const asked = this.#ask(student).finally(() => this.#underWay.delete(asked));
    this.#underWay.add(asked);
  }

  async #ask(student: Identity): Promise<void> {
    const at = Date.now();
    const first = await this.#read(student);
    const ms = Date.now() - at;
    if (this.#stop.signal.aborted && first === null) return;
    const failed = !isAnswered(first);
    let retries = 0;
    let lost = failed;
    while (lost && retries < mostRetries && !this.#stop.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, retryAfter * 2 ** retries));
      retries += 1;
      lost = !isAnswered(await this.#read(student));
    }
    this.#beats.push({ at, ms, failed, status: first, retries, lost });
  }

  /** The status; null when there was no answer. */
  async #read({ token }: Identity): Promise<ApiResponse['status'] | null> {
    const { api, platform } = this.#environment;
    try {
      const { status } = await api.request({
        method: 'GET',
        path: platform.examMode.loginRequiredPath,
        as: { token },
        timeout,
        signal: this.#stop.signal,
      });
      return status;
    } catch (error) {
      if (this.#stop.signal.aborted || isExpected(error)) return null;
      throw error;
    }
  }
}

/** Each read that is under way listens to it. */
function manyMayListen(controller: AbortController): AbortController {
  setMaxListeners(0, controller.signal);
  return controller;
}

function isAnswered(status: number | null): boolean {
  return status !== null && status < 400;
}

export function windowOf(beats: readonly Beat[]): Window {
  const sorted = beats.map(({ ms }) => ms).sort((a, b) => a - b);
  const failed = beats.filter((beat) => beat.failed).length;
  return {
    requests: beats.length,
    failed,
    errorRate: beats.length === 0 ? null : failed / beats.length,
    p95Ms: sorted[Math.ceil(0.95 * sorted.length) - 1] ?? null,
    retries: beats.reduce((sum, beat) => sum + beat.retries, 0),
    lost: beats.filter((beat) => beat.lost).length,
  };
}
