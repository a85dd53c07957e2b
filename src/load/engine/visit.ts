import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerLine } from '../ledger.ts';
import type { AnswerPlan, LoadPlan, StudentPlan } from '../load-plan.ts';
import type { LoadHttp, LoadHttpAnswer } from '../ports.ts';
import { type Endpoint, isFailed, type Phase, type Sample } from '../sample.ts';
import { attemptLine, field, type Write, writeLine } from './ledger-lines.ts';

/** What all visits of a run share. */
export interface VisitSurroundings {
  readonly plan: LoadPlan;
  readonly http: LoadHttp;
  /** milliseconds since 1970 at which the measured window starts */
  readonly windowStart: number;
  readonly signal: AbortSignal;
  record(sample: Sample): void;
  writeLedger(line: LedgerLine): void;
}

type AnyAttempt = Omit<Write, 'attempt'>;

/** The student cannot go on; the reason goes to the ledger. */
class GaveUp extends Error {}

/** One virtual student. k6/lib/visit.js does the same: change both. */
export class Visit {
  readonly #student: StudentPlan;
  readonly #around: VisitSurroundings;
  #sessionId: string | null = null;
  #questions: string[] = [];
  #missed = 0;
  #missedBecause = '';

  constructor(student: StudentPlan, around: VisitSurroundings) {
    this.#student = student;
    this.#around = around;
  }

  async run(): Promise<void> {
    const { number: student } = this.#student;
    try {
      await this.#createSession();
      for (const answer of this.#student.answers) await this.#answer(answer);
      await this.#submit();
      if (this.#missed > 0) throw new GaveUp(`missed answers: ${this.#missedBecause}`);
      this.#around.writeLedger({ kind: 'student', student, sessionId: this.#sessionId, completed: true });
    } catch (error) {
      if (!(error instanceof GaveUp)) throw error;
      const sessionId = this.#sessionId;
      this.#around.writeLedger({
        kind: 'student',
        student,
        sessionId,
        completed: false,
        reason: error.message,
      });
    }
  }

  async #createSession(): Promise<void> {
    const { number: student, createAt, session, answers } = this.#student;
    await this.#waitUntil(createAt);
    const phase = phaseOf(createAt);
    const created = await this.#send('create-session', phase, 'POST', '/sessions', session);
    const sessionId = field(created.body, 'session_id');
    if (typeof sessionId !== 'string') throw new GaveUp(`without a session: ${told(created)}`);
    this.#sessionId = sessionId;
    this.#around.writeLedger({ kind: 'session', student, sessionId });
    if (answers.length === 0) return;
    const read = await this.#send('read-session', phase, 'GET', `/sessions/${sessionId}`);
    const questions = field(read.body, 'questions');
    if (!Array.isArray(questions)) throw new GaveUp(`without questions: ${told(read)}`);
    this.#questions = questions.map((question) => String(field(question, 'question_id')));
  }

  async #answer({ at, question, selectedIndex }: AnswerPlan): Promise<void> {
    await this.#waitUntil(at);
    const sessionId = this.#sessionId ?? '';
    const questionId = this.#questions[question];
    if (questionId === undefined) throw new GaveUp(`without question ${question + 1} in the session`);
    const body = { question_id: questionId, selected_index: selectedIndex };
    const path = `/sessions/${sessionId}/answer`;
    const { number: student } = this.#student;
    const write: AnyAttempt = { kind: 'answer', student, sessionId, questionId, sent: selectedIndex };
    const answered = await this.#send('answer', phaseOf(at), 'POST', path, body, write);
    if (!isFailed(answered)) return;
    if (answered.status === 401) throw new GaveUp(`missed answers: ${told(answered)}`);
    this.#missed += 1;
    this.#missedBecause = told(answered);
  }

  async #submit(): Promise<void> {
    const { number: student, submitAt, submitTwice } = this.#student;
    if (submitAt !== null) await this.#waitUntil(submitAt);
    const phase = submitAt === null ? 'teardown' : phaseOf(submitAt);
    const endpoints: Endpoint[] = submitTwice ? ['submit', 'submit-again'] : ['submit'];
    for (const endpoint of endpoints) {
      const sessionId = this.#sessionId ?? '';
      const path = `/sessions/${sessionId}/submit`;
      const submitted = await this.#send(endpoint, phase, 'POST', path, undefined, {
        kind: 'submit',
        student,
        sessionId,
        sent: null,
      });
      if (isFailed(submitted)) throw new GaveUp(`not submitted: ${told(submitted)}`);
    }
  }

  /** Tries again what may succeed later, until the run's time is over. 429 is waited out in silence. */
  async #send(
    endpoint: Endpoint,
    phase: Phase,
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    write?: AnyAttempt,
  ): Promise<LoadHttpAnswer> {
    const { plan, http, windowStart, signal, record, writeLedger } = this.#around;
    const { token } = this.#student;
    const deadline = windowStart + (plan.seconds + plan.graceSeconds) * 1000;
    for (let attempt = 0; ; attempt += 1) {
      const trial = write === undefined ? undefined : { ...write, attempt: attempt + 1 };
      if (trial !== undefined) writeLedger(attemptLine(trial));
      const at = Date.now();
      const started = performance.now();
      const answer = await http.request({ method, path, token, body, signal });
      signal.throwIfAborted();
      const ms = Math.round((performance.now() - started) * 1000) / 1000;
      record({ at, ms, endpoint, phase, status: answer.status });
      if (trial !== undefined) writeLedger(writeLine(trial, at, ms, answer));
      const wait = waitBeforeRetry(answer, attempt);
      if (wait === null || Date.now() + wait > deadline) return answer;
      await sleep(wait, undefined, { signal });
    }
  }

  async #waitUntil(seconds: number): Promise<void> {
    const ms = this.#around.windowStart + seconds * 1000 - Date.now();
    if (ms > 0) await sleep(ms, undefined, { signal: this.#around.signal });
  }
}

/** Milliseconds, or null when trying again is no use. */
function waitBeforeRetry({ status, retryAfterSeconds }: LoadHttpAnswer, attempt: number): number | null {
  if (status === 429) return ((retryAfterSeconds ?? 60) + Math.random()) * 1000;
  if (status === 0 || status >= 500)
    return Math.min(5, 0.5 * 2 ** attempt) * (0.75 + Math.random() / 2) * 1000;
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
