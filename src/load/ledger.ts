import { open } from 'node:fs/promises';

/**
 * `acknowledged`: the platform said that it is stored. `rejected`: it said that it is not.
 * `unknown`: no answer, or one that says neither, so it may be stored.
 */
export type WriteOutcome = 'acknowledged' | 'rejected' | 'unknown';

export type SubmitOrAnswer = 'answer' | 'submit';

/**
 * A session was created, and is to be ended. Students are numbered as in the load plan: a ledger is evidence and
 * leaves the machine, their ids do not.
 */
export interface SessionLine {
  readonly kind: 'session';
  readonly student: number;
  readonly sessionId: string;
}

/** A write is announced before it is sent: what was under way when a run was killed is known, too. */
export interface AttemptLine {
  readonly kind: 'attempt';
  readonly write: SubmitOrAnswer;
  readonly at: string;
  /** 1 for the first try, 2 when the same is sent again */
  readonly attempt: number;
  readonly student: number;
  readonly sessionId: string;
  readonly questionId?: string;
  readonly sent: number | null;
}

export interface WriteLine {
  readonly kind: SubmitOrAnswer;
  /** ISO 8601, when it was sent */
  readonly at: string;
  /** as in its announcement */
  readonly attempt: number;
  readonly ms: number;
  readonly student: number;
  readonly sessionId: string;
  /** answers only */
  readonly questionId?: string;
  /** selected_index of an answer, null for a submit */
  readonly sent: number | null;
  /** 0: no answer */
  readonly status: number;
  /** what the platform answered: selected_index of an answer, score_correct of a submit */
  readonly acknowledged: number | null;
  /** ISO 8601, by the platform's clock, as it answered; null: it did not say */
  readonly storedAt: string | null;
  readonly outcome: WriteOutcome;
}

/** How a virtual student ended. */
export interface StudentLine {
  readonly kind: 'student';
  readonly student: number;
  readonly sessionId: string | null;
  readonly completed: boolean;
  /** why not */
  readonly reason?: string;
}

export type LedgerLine = SessionLine | AttemptLine | WriteLine | StudentLine;

/** The ledger's lines in their order; lines of anything else, and a last line cut off by a crash, are passed over. */
export async function* readLedger(file: string): AsyncGenerator<LedgerLine> {
  const handle = await open(file);
  for await (const text of handle.readLines({ encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    const line = parseLedgerLine(text);
    if (line !== undefined) yield line;
  }
}

const kinds: readonly unknown[] = [
  'session',
  'attempt',
  'answer',
  'submit',
  'student',
] satisfies LedgerLine['kind'][];

export function parseLedgerLine(text: string): LedgerLine | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const line: unknown = JSON.parse(text);
    return isLedgerLine(line) ? line : undefined;
  } catch {
    return undefined;
  }
}

function isLedgerLine(line: unknown): line is LedgerLine {
  if (typeof line !== 'object' || line === null || !('kind' in line) || !kinds.includes(line.kind))
    return false;
  return line.kind === 'student' || ('sessionId' in line && typeof line.sessionId === 'string');
}

/** Of a text that is no ledger line: whether it was one. What k6 itself says on its console never was. */
export function isDamagedLine(text: string): boolean {
  return /^\s*\{|\0|"(kind|sessionId|acknowledged)":/.test(text);
}
