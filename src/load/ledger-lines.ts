import type { AttemptLine, WriteLine, WriteOutcome } from './ledger.ts';
import type { LoadHttpAnswer } from './ports.ts';
import { isFailed } from './sample.ts';

/** A write of a virtual student, before anything is known about it. */
export type Write = Pick<WriteLine, 'kind' | 'student' | 'sessionId' | 'questionId' | 'sent' | 'attempt'>;

export function attemptLine({ kind, ...write }: Write): AttemptLine {
  return { kind: 'attempt', write: kind, at: new Date().toISOString(), ...write };
}

export function writeLine(write: Write, at: number, ms: number, answer: LoadHttpAnswer): WriteLine {
  const stored = write.kind === 'answer' ? field(answer.body, 'answer') : answer.body;
  const given = field(stored, write.kind === 'answer' ? 'selected_index' : 'score_correct');
  const storedAt =
    field(stored, 'updated_at') ?? field(stored, 'answered_at') ?? field(stored, 'submitted_at');
  const understood = !isFailed(answer) && given !== undefined;
  return {
    ...write,
    at: new Date(at).toISOString(),
    ms,
    status: answer.status,
    acknowledged: understood && typeof given === 'number' ? given : null,
    storedAt: understood && typeof storedAt === 'string' ? storedAt : null,
    outcome: understood ? 'acknowledged' : outcomeOf(answer.status),
  };
}

function outcomeOf(status: number): WriteOutcome {
  return status >= 400 && status < 500 ? 'rejected' : 'unknown';
}

export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
