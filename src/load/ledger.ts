import { open } from 'node:fs/promises';

/**
 * `acknowledged`: the platform said that it is stored. `rejected`: it said that it is not.
 * `unknown`: no answer, or one that says neither, so it may be stored.
 */
export type WriteOutcome = 'acknowledged' | 'rejected' | 'unknown';

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
  readonly write: 'answer' | 'submit';
  readonly at: string;
  readonly student: number;
  readonly sessionId: string;
  readonly questionId?: string;
  readonly sent: number | null;
}

export interface WriteLine {
  readonly kind: 'answer' | 'submit';
  /** ISO 8601, when it was sent */
  readonly at: string;
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

export interface NumberedLine {
  /** 1-based, in the ledger file */
  readonly number: number;
  readonly line: LedgerLine;
}

/** The ledger's lines in their order; lines of anything else, and a last line cut off by a crash, are passed over. */
export async function* readLedger(file: string): AsyncGenerator<NumberedLine> {
  const handle = await open(file);
  let number = 0;
  for await (const text of handle.readLines({ encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    number += 1;
    const line = parseLedgerLine(text);
    if (line !== undefined) yield { number, line };
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
    return typeof line === 'object' && line !== null && 'kind' in line && kinds.includes(line.kind)
      ? (line as LedgerLine)
      : undefined;
  } catch {
    return undefined;
  }
}
