import type { AttemptLine, SubmitOrAnswer, WriteLine } from '../ledger.ts';
import type { LinePlace, PlacedLine } from './ledger-pieces.ts';

/** One attempt to write, with what is known of its end. */
export interface Sent {
  /** of the line that tells how it ended; of its announcement when none does */
  readonly place: LinePlace;
  readonly value: number | null;
  /** `pending`: announced, and no answer in the ledger */
  readonly outcome: WriteLine['outcome'] | 'pending';
  readonly acknowledged: number | null;
  /** milliseconds since 1970 by the platform's clock; null: it did not say */
  readonly storedAt: number | null;
  readonly status: number | null;
}

/** What the ledger knows of a session, each in the order in which it was sent. */
export interface SessionHistory {
  readonly sessionId: string;
  /** undefined: this ledger does not have its creation */
  created: LinePlace | undefined;
  readonly answers: Map<string, Sent[]>;
  readonly submits: Sent[];
}

export function sessionHistories(lines: readonly PlacedLine[]): SessionHistory[] {
  const sessions = new Map<string, SessionHistory>();
  const of = (sessionId: string): SessionHistory => {
    const known = sessions.get(sessionId);
    if (known !== undefined) return known;
    const session = { sessionId, created: undefined, answers: new Map(), submits: [] };
    sessions.set(sessionId, session);
    return session;
  };
  for (const { place, line } of lines) {
    switch (line.kind) {
      case 'session':
        of(line.sessionId).created ??= place;
        break;
      case 'attempt':
        sentTo(of(line.sessionId), line.write, line).push(announced(place, line));
        break;
      case 'answer':
      case 'submit':
        note(sentTo(of(line.sessionId), line.kind, line), place, line);
        break;
      case 'student':
        break;
    }
  }
  return [...sessions.values()];
}

function sentTo(
  session: SessionHistory,
  kind: SubmitOrAnswer,
  { questionId = '' }: WriteLine | AttemptLine,
): Sent[] {
  if (kind === 'submit') return session.submits;
  const known = session.answers.get(questionId);
  if (known !== undefined) return known;
  const sent: Sent[] = [];
  session.answers.set(questionId, sent);
  return sent;
}

function announced(place: LinePlace, { sent }: AttemptLine): Sent {
  return { place, value: sent, outcome: 'pending', acknowledged: null, storedAt: null, status: null };
}

/** In the place of its announcement, so that the order stays that of sending. */
function note(all: Sent[], place: LinePlace, line: WriteLine): void {
  const { sent: value, outcome, acknowledged, status } = line;
  const storedAt = line.storedAt === null || line.storedAt === undefined ? null : Date.parse(line.storedAt);
  const ended: Sent = { place, value, outcome, acknowledged, status, storedAt };
  const at = all.findIndex((sent) => sent.outcome === 'pending' && sent.value === value);
  if (at === -1) all.push(ended);
  else all[at] = ended;
}
