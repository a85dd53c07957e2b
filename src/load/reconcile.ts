import { basename } from 'node:path';
import type { Environment } from '../lifecycle/environment.ts';
import { ExamctlError, messageOf } from '../lifecycle/errors.ts';
import { type OutcomeRecord, worst } from '../lifecycle/outcome.ts';
import { type AcknowledgedWrites, readAcknowledgedWrites } from './acknowledged-writes.ts';
import { type StoredAnswer, type StoredSubmit, storedAnswers, storedSubmits } from './stored-writes.ts';

/** The first 20 are named. */
export interface NamedWrite {
  /** of the ledger, 1-based */
  readonly line: number;
  readonly sessionId: string;
  readonly questionId?: string;
  readonly what: 'lost' | 'changed' | 'doubled' | 'not-submitted' | 'score-differs';
  /** "acknowledged 3, stored 1" */
  readonly detail: string;
}

export interface Reconciliation extends OutcomeRecord {
  /** acknowledged answers without a row */
  readonly lost: number;
  /** acknowledged answers whose row has another choice that no later write explains */
  readonly changed: number;
  /** more than one row for an answer, or events that submit a session with different scores */
  readonly doubled: number;
  /** acknowledged submits whose session is not submitted */
  readonly notSubmitted: number;
  /** acknowledged submits whose session has another score, or none */
  readonly scoreDiffers: number;
  /** what was compared */
  readonly answers: number;
  readonly submits: number;
  /** writes without a clear answer: nothing is demanded of them */
  readonly unknownWrites: number;
  readonly named: readonly NamedWrite[];
  /** the answers' and the submits' part of the outcome */
  readonly parts: readonly OutcomeRecord[];
}

const title = 'every acknowledged write is stored exactly once';

/** Compares each write that the platform acknowledged with what the database has. */
export async function reconcile(ledgerFile: string, environment: Environment): Promise<Reconciliation> {
  const evidence = [basename(ledgerFile)];
  let writes: AcknowledgedWrites;
  try {
    writes = await readAcknowledgedWrites(ledgerFile);
  } catch (error) {
    return unlooked(`the ledger cannot be read: ${messageOf(error)}`, evidence, 'run the load again');
  }
  if (writes.answers.length + writes.submits.length === 0) {
    const message = `the ledger has no acknowledged write (${writes.unknownWrites} without a clear answer)`;
    return unlooked(message, evidence, 'the outcomes of the load run say why nothing was acknowledged');
  }
  try {
    const stored = await environment.withPostgres(
      async (postgres) => ({
        answers: await storedAnswers(postgres, writes.answers),
        submits: await storedSubmits(postgres, writes.submits),
      }),
      { statementTimeout: 30_000 },
    );
    return compare(writes, stored, evidence);
  } catch (error) {
    // What the database refuses or does not answer is an unknown; a bug of ours must not look like one.
    if (!(error instanceof ExamctlError)) throw error;
    return unlooked(`the database could not be asked: ${error.message}`, evidence, error.hint);
  }
}

export function compare(
  writes: AcknowledgedWrites,
  stored: { readonly answers: readonly StoredAnswer[]; readonly submits: readonly StoredSubmit[] },
  evidence: readonly string[],
): Reconciliation {
  const answerFaults = stored.answers.flatMap(faultsOfAnswer);
  const submitFaults = stored.submits.flatMap(faultsOfSubmit);
  const parts = [
    part('ledger-answers-stored', 'every acknowledged answer is stored as acknowledged', 'answers', {
      faults: answerFaults,
      compared: writes.answers.length,
      evidence,
    }),
    part('ledger-submits-stored', 'every acknowledged submit is stored once, with its score', 'submits', {
      faults: submitFaults,
      compared: writes.submits.length,
      evidence,
    }),
  ].filter(({ outcome }) => outcome !== 'skipped');
  const faults = [...answerFaults, ...submitFaults];
  const count = (what: NamedWrite['what']) => faults.filter((fault) => fault.what === what).length;
  return {
    id: 'ledger-reconciled',
    title,
    outcome: worst(parts.map(({ outcome }) => outcome)),
    message: parts.map(({ message }) => message).join('; '),
    ...(faults.length === 0 ? {} : { hint: namedOnes(faults) }),
    evidence,
    lost: count('lost'),
    changed: count('changed'),
    doubled: count('doubled'),
    notSubmitted: count('not-submitted'),
    scoreDiffers: count('score-differs'),
    answers: writes.answers.length,
    submits: writes.submits.length,
    unknownWrites: writes.unknownWrites,
    named: faults.slice(0, 20),
    parts,
  };
}

function faultsOfAnswer({ acknowledged, rows, selectedIndex }: StoredAnswer): NamedWrite[] {
  const { line, sessionId, questionId, maybe } = acknowledged;
  const about = { line, sessionId, questionId };
  const given = acknowledged.selectedIndex ?? 'none';
  if (rows === 0) return [{ ...about, what: 'lost', detail: `acknowledged ${given}, no row` }];
  if (rows > 1) return [{ ...about, what: 'doubled', detail: `acknowledged ${given}, ${rows} rows` }];
  if (selectedIndex === acknowledged.selectedIndex || maybe.includes(selectedIndex)) return [];
  return [{ ...about, what: 'changed', detail: `acknowledged ${given}, stored ${selectedIndex ?? 'none'}` }];
}

function faultsOfSubmit({ acknowledged, status, scoreCorrect, eventScores }: StoredSubmit): NamedWrite[] {
  const { line, sessionId } = acknowledged;
  const about = { line, sessionId };
  if (status !== 'SUBMITTED') {
    return [{ ...about, what: 'not-submitted', detail: `the session is ${status ?? 'not there'}` }];
  }
  const faults: NamedWrite[] = [];
  if (eventScores > 1) {
    faults.push({
      ...about,
      what: 'doubled',
      detail: `${eventScores} different scores in its submit events`,
    });
  }
  if (scoreCorrect !== acknowledged.scoreCorrect) {
    const detail = `acknowledged ${acknowledged.scoreCorrect ?? 'none'}, stored ${scoreCorrect ?? 'none'}`;
    faults.push({ ...about, what: 'score-differs', detail });
  }
  return faults;
}

function part(
  id: string,
  title: string,
  noun: string,
  found: {
    readonly faults: readonly NamedWrite[];
    readonly compared: number;
    readonly evidence: readonly string[];
  },
): OutcomeRecord {
  const { faults, compared, evidence } = found;
  const about = { id, title, evidence };
  if (compared === 0) return { ...about, outcome: 'skipped', message: `no acknowledged ${noun}` };
  if (faults.length === 0) {
    return {
      ...about,
      outcome: 'pass',
      message: `${compared} acknowledged ${noun} are stored as acknowledged`,
    };
  }
  const kinds = [...new Set(faults.map(({ what }) => what))].map(
    (kind) => `${faults.filter(({ what }) => what === kind).length} ${kind}`,
  );
  const message = `of ${compared} acknowledged ${noun}: ${kinds.join(', ')}`;
  return { ...about, outcome: 'fail', message, hint: namedOnes(faults) };
}

function namedOnes(faults: readonly NamedWrite[]): string {
  const lines = faults.slice(0, 20).map(({ line, sessionId, questionId, what, detail }) => {
    const question = questionId === undefined ? '' : `, question ${questionId}`;
    return `ledger line ${line}: session ${sessionId}${question}: ${what}, ${detail}`;
  });
  if (faults.length > 20) lines.push(`and ${faults.length - 20} more`);
  return lines.join('\n');
}

function unlooked(message: string, evidence: readonly string[], hint: string | undefined): Reconciliation {
  const about = {
    title,
    outcome: 'unknown',
    message,
    evidence,
    ...(hint === undefined ? {} : { hint }),
  } as const;
  return {
    ...about,
    id: 'ledger-reconciled',
    lost: 0,
    changed: 0,
    doubled: 0,
    notSubmitted: 0,
    scoreDiffers: 0,
    answers: 0,
    submits: 0,
    unknownWrites: 0,
    named: [],
    parts: [
      { ...about, id: 'ledger-answers-stored' },
      { ...about, id: 'ledger-submits-stored' },
    ],
  };
}
