import { setTimeout as sleep } from 'node:timers/promises';
import { type Failure, failureOf } from '../failure.ts';
import type { LedgerLine } from '../ledger.ts';
import { attemptLine, field, type Write, writeLine } from '../ledger-lines.ts';
import type { AnswerPlan, LoadPlan, LostConnection, StudentPlan } from '../load-plan.ts';
import type { LoadHttp, LoadHttpAnswer } from '../ports.ts';
import { isFailed, type Phase, type Sample } from '../sample.ts';
import { Login } from './login.ts';

/** What all visits of a run share. */
export interface VisitSurroundings {
  readonly plan: LoadPlan;
  readonly http: LoadHttp;
  /** milliseconds since 1970 at which the measured window starts */
  readonly windowStart: number;
  readonly signal: AbortSignal;
  onSample(sample: Sample): void;
  onFailure(failure: Failure): void;
  writeLedger(line: LedgerLine): void;
}

interface Exchange extends Pick<Sample, 'endpoint' | 'phase'> {
  /** milliseconds since 1970; default: when it is sent */
  readonly due?: number;
  readonly path: string;
  readonly body?: object;
  readonly write?: Omit<Write, 'attempt'>;
  readonly lost?: LostConnection | undefined;
}

/** The student cannot go on; the reason goes to the ledger. */
class GaveUp extends Error {}

/** One virtual student. k6/lib/visit.js and k6/lib/http.js do the same: change both. */
export class Visit {
  readonly #student: StudentPlan;
  readonly #around: VisitSurroundings;
  readonly #login: Login;
  #sessionId: string | null = null;
  #questions: string[] = [];
  /** why an answer of this student is missing */
  #missed: string | null = null;
  /** milliseconds since 1970: since when nothing keeps the student from sending */
  #freeSince = 0;
  /** what was due while the student was away is not late */
  #backSince = 0;

  constructor(student: StudentPlan, around: VisitSurroundings) {
    this.#student = student;
    this.#around = around;
    this.#login = new Login(student);
  }

  async run(): Promise<void> {
    const { number: student } = this.#student;
    const end = (how: { readonly completed: boolean; readonly reason?: string }) =>
      this.#around.writeLedger({ kind: 'student', student, sessionId: this.#sessionId, ...how });
    try {
      await this.#createSession();
      for (const answer of this.#student.answers) await this.#answer(answer);
      await this.#submit();
      if (this.#missed !== null) throw new GaveUp(`missed answers: ${this.#missed}`);
      end({ completed: true });
    } catch (error) {
      if (!(error instanceof GaveUp)) throw error;
      end({ completed: false, reason: error.message });
    }
  }

  async #createSession(): Promise<void> {
    const { number: student, createAt, session, answers } = this.#student;
    const due = await this.#until(createAt);
    const phase = phaseOf(createAt);
    const creation = { endpoint: 'create-session', phase, due, path: '/sessions', body: session } as const;
    const created = await this.#send(creation);
    const sessionId = field(created.body, 'session_id');
    if (typeof sessionId !== 'string') throw new GaveUp(`without a session: ${told(created)}`);
    this.#sessionId = sessionId;
    this.#around.writeLedger({ kind: 'session', student, sessionId });
    if (answers.length > 0) await this.#readQuestions(phase);
  }

  async #readQuestions(phase: Phase): Promise<void> {
    const path = `/sessions/${this.#sessionId}`;
    const read = await this.#send({ endpoint: 'read-session', phase, path });
    const questions = field(read.body, 'questions');
    if (!Array.isArray(questions)) throw new GaveUp(`without questions: ${told(read)}`);
    this.#questions = questions.map((question) => String(field(question, 'question_id')));
  }

  async #answer({ at, question, selectedIndex, lost }: AnswerPlan): Promise<void> {
    const due = await this.#until(at);
    const sessionId = this.#sessionId ?? '';
    const questionId = this.#questions[question];
    if (questionId === undefined) throw new GaveUp(`without question ${question + 1} in the session`);
    const answered = await this.#send({
      endpoint: 'answer',
      phase: phaseOf(at),
      due,
      path: `/sessions/${sessionId}/answer`,
      body: { question_id: questionId, selected_index: selectedIndex },
      write: { kind: 'answer', student: this.#student.number, sessionId, questionId, sent: selectedIndex },
      lost,
    });
    if (isFailed(answered)) this.#missed = told(answered);
    if (answered.status === 401) throw new GaveUp(`missed answers: ${this.#missed}`);
  }

  async #submit(): Promise<void> {
    const { number: student, submitAt, submitTwice } = this.#student;
    const due = submitAt === null ? Date.now() : await this.#until(submitAt);
    const phase = submitAt === null ? 'teardown' : phaseOf(submitAt);
    const sessionId = this.#sessionId ?? '';
    const write = { kind: 'submit', student, sessionId, sent: null } as const;
    const once = { phase, path: `/sessions/${sessionId}/submit`, write };
    for (const endpoint of submitTwice ? (['submit', 'submit-again'] as const) : (['submit'] as const)) {
      const submitted = await this.#send({ ...once, endpoint, ...(endpoint === 'submit' && { due }) });
      if (isFailed(submitted)) throw new GaveUp(`not submitted: ${told(submitted)}`);
    }
  }

  /** Tries again what may succeed later, until the run's time is over. 429 is waited out in silence. */
  async #send(exchange: Exchange): Promise<LoadHttpAnswer> {
    const { plan, windowStart, signal } = this.#around;
    const deadline = windowStart + (plan.seconds + plan.graceSeconds) * 1000;
    let isNew = await this.#renewToken(exchange.phase, false);
    for (let attempt = 1; ; attempt += 1) {
      const lost = attempt === 1 ? exchange.lost : undefined;
      const answer = await this.#attempt(exchange, attempt, lost);
      if (lost !== undefined && answer.status === 0) {
        await sleep(lost.awaySeconds * 1000, undefined, { signal });
        this.#backSince = Date.now();
        await this.#readQuestions('lost');
        continue;
      }
      if (answer.status === 401 && !isNew) {
        isNew = await this.#renewToken(exchange.phase, true);
        if (isNew) continue;
      }
      const wait = waitBeforeRetry(answer, attempt);
      if (wait === null || Date.now() + wait > deadline) return answer;
      await sleep(wait, undefined, { signal });
    }
  }

  async #attempt(
    { endpoint, phase, due, path, body, write }: Exchange,
    attempt: number,
    lost: LostConnection | undefined,
  ): Promise<LoadHttpAnswer> {
    const { http, signal, onSample, onFailure, writeLedger } = this.#around;
    const trial = write === undefined ? undefined : { ...write, attempt };
    if (trial !== undefined) writeLedger(attemptLine(trial));
    const at = Date.now();
    const planned = attempt === 1 && due !== undefined ? Math.max(due, this.#backSince) : at;
    const lag = Math.max(0, at - Math.max(planned, this.#freeSince));
    const started = performance.now();
    const answer = await http.request({
      method: endpoint === 'read-session' ? 'GET' : 'POST',
      path,
      token: this.#login.token,
      ...(body !== undefined && { body }),
      ...(lost !== undefined && { giveUpMs: lost.afterMs }),
      signal,
    });
    signal.throwIfAborted();
    const ms = Math.round((performance.now() - started) * 1000) / 1000;
    this.#freeSince = Date.now();
    const { status, unsent } = answer;
    const how = { lag, endpoint, phase: lost === undefined ? phase : 'lost', status } as const;
    const sample = { at, ms: ms + Math.max(0, at - planned), ...how };
    onSample(unsent ? { ...sample, unsent } : sample);
    if (isFailed(answer) && lost === undefined) onFailure(failureOf(endpoint, answer));
    if (trial !== undefined) writeLedger(writeLine(trial, at, ms, answer));
    return answer;
  }

  /** Whether there is a new one. Only a token that is about to expire, or was refused, is exchanged. */
  async #renewToken(phase: Phase, isRefused: boolean): Promise<boolean> {
    const body = this.#login.renewal(isRefused);
    if (body === undefined) return false;
    const path = this.#around.plan.refreshPath;
    const answer = await this.#attempt({ endpoint: 'refresh-token', phase, path, body }, 1, undefined);
    if (this.#login.renew(answer.body)) return true;
    if (isFailed(answer) && answer.status !== 0 && answer.status < 500)
      throw new GaveUp(`token not refreshed (${answer.status})`);
    return false;
  }

  /** Milliseconds since 1970. */
  async #until(seconds: number): Promise<number> {
    const due = this.#around.windowStart + seconds * 1000;
    const ms = due - Date.now();
    if (ms > 0) await sleep(ms, undefined, { signal: this.#around.signal });
    return due;
  }
}

/** Milliseconds, or null when trying again is no use. */
function waitBeforeRetry({ status, retryAfterSeconds }: LoadHttpAnswer, attempt: number): number | null {
  if (status === 429) return ((retryAfterSeconds ?? 60) + Math.random()) * 1000;
  if (status === 0 || status >= 500)
    return Math.min(5, 0.5 * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2) * 1000;
  return null;
}

function phaseOf(at: number): Phase {
  return at < 0 ? 'setup' : 'measured';
}

function told({ status }: LoadHttpAnswer): string {
  if (status === 0) return 'no answer';
  if (status === 401) return 'token refused (401)';
  return status === 429 ? 'rate limited (429)' : `status ${status}`;
}
