import { type AttemptLine, readLedger, type WriteLine } from './ledger.ts';

export interface AcknowledgedAnswer {
  /** of the ledger */
  readonly line: number;
  readonly sessionId: string;
  readonly questionId: string;
  readonly selectedIndex: number | null;
  /** sent later, and it is not known whether they were stored: each would explain another choice */
  readonly maybe: readonly (number | null)[];
}

export interface AcknowledgedSubmit {
  readonly line: number;
  readonly sessionId: string;
  readonly scoreCorrect: number | null;
}

/** What the database must hold, by the ledger. */
export interface AcknowledgedWrites {
  /** the last one of each session and question */
  readonly answers: readonly AcknowledgedAnswer[];
  /** each one: a second must say the same as the first */
  readonly submits: readonly AcknowledgedSubmit[];
  readonly acknowledgedAnswers: number;
  readonly unknownWrites: number;
}

interface Question {
  last: Omit<AcknowledgedAnswer, 'maybe'> | undefined;
  maybe: (number | null)[];
  /** announced, and no answer in the ledger yet */
  pending: (number | null)[];
}

export async function readAcknowledgedWrites(ledgerFile: string): Promise<AcknowledgedWrites> {
  const questions = new Map<string, Question>();
  const submits: AcknowledgedSubmit[] = [];
  let acknowledgedAnswers = 0;
  let unknownWrites = 0;
  for await (const { number, line } of readLedger(ledgerFile)) {
    if (line.kind === 'submit') {
      if (line.outcome === 'unknown') unknownWrites += 1;
      if (line.outcome !== 'acknowledged') continue;
      submits.push({ line: number, sessionId: line.sessionId, scoreCorrect: line.acknowledged });
    } else if (line.kind === 'answer') {
      if (line.outcome === 'unknown') unknownWrites += 1;
      if (line.outcome === 'acknowledged') acknowledgedAnswers += 1;
      noteAnswer(questionOf(questions, line), line, number);
    } else if (line.kind === 'attempt' && line.write === 'answer') {
      questionOf(questions, line).pending.push(line.sent);
    }
  }
  const answers = [...questions.values()].flatMap(({ last, maybe, pending }) =>
    last === undefined ? [] : [{ ...last, maybe: [...maybe, ...pending] }],
  );
  return { answers, submits, acknowledgedAnswers, unknownWrites };
}

function questionOf(questions: Map<string, Question>, { sessionId, questionId }: WriteLine | AttemptLine) {
  const key = `${sessionId} ${questionId}`;
  const question = questions.get(key) ?? { last: undefined, maybe: [], pending: [] };
  questions.set(key, question);
  return question;
}

/** A student writes one after the other, so the ledger's order is the platform's. */
function noteAnswer(question: Question, line: WriteLine, number: number): void {
  question.pending = [];
  if (line.outcome === 'unknown') question.maybe.push(line.sent);
  if (line.outcome !== 'acknowledged') return;
  question.maybe = [];
  question.last = {
    line: number,
    sessionId: line.sessionId,
    questionId: line.questionId ?? '',
    selectedIndex: line.acknowledged,
  };
}
