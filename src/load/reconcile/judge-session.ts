import type { LinePlace } from './ledger-pieces.ts';
import type { Sent, SessionHistory } from './session-history.ts';
import type { StoredAnswer, StoredSession } from './stored-sessions.ts';

/**
 * `lost`: acknowledged, and not there. `changed`: there with another value that no other write explains. `doubled`: there
 * twice. `ghost`: there, and never sent. `not-submitted`, `score-differs`: what a submit was acknowledged with is not what
 * is stored. `score-wrong`: the stored score is not that of the stored answers.
 */
export type FindingKind =
  | 'lost'
  | 'changed'
  | 'doubled'
  | 'ghost'
  | 'not-submitted'
  | 'score-differs'
  | 'score-wrong';

export interface Finding {
  readonly what: FindingKind;
  readonly sessionId: string;
  readonly questionId?: string;
  /** of the write; null: no line says anything of it */
  readonly place: LinePlace | null;
  /** ids of the rows; none: there is no row */
  readonly rows: readonly string[];
  /** "acknowledged 3, stored 1" */
  readonly detail: string;
  /** the value that is stored: a write of a load that still runs may explain it */
  readonly stored?: number | null;
}

export interface JudgedSession {
  readonly findings: readonly Finding[];
  /** acknowledged answers, submits */
  readonly answers: number;
  readonly submits: number;
  /** writes without a clear answer: what the database says of them */
  readonly unknown: UnknownResolved;
}

export interface UnknownResolved {
  readonly stored: number;
  readonly notStored: number;
  /** a later write to the same place was acknowledged, so that it cannot be told */
  readonly overwritten: number;
}

/** Compares what the ledger knows of a session with what is stored. */
export function judgeSession(history: SessionHistory, stored: StoredSession): JudgedSession {
  const findings: Finding[] = [];
  const unknown = { stored: 0, notStored: 0, overwritten: 0 };
  let answers = 0;
  for (const [questionId, sent] of history.answers) {
    answers += sent.filter(({ outcome }) => outcome === 'acknowledged').length;
    const rows = stored.answers.get(questionId) ?? [];
    findings.push(...judgeAnswer({ sessionId: history.sessionId, questionId }, sent, rows));
    resolveAnswers(sent, rows[0], unknown);
  }
  for (const [questionId, rows] of stored.answers) {
    if (history.answers.has(questionId)) continue;
    findings.push(ghost({ sessionId: history.sessionId, questionId }, rows, 'stored, and never sent'));
  }
  findings.push(...judgeSubmits(history, stored));
  const submits = history.submits.filter(({ outcome }) => outcome === 'acknowledged').length;
  for (const { outcome } of history.submits) {
    if (outcome !== 'unknown' && outcome !== 'pending') continue;
    if (submits > 0) unknown.overwritten += 1;
    else unknown[stored.state?.submitted ? 'stored' : 'notStored'] += 1;
  }
  return { findings, answers, submits, unknown };
}

interface About {
  readonly sessionId: string;
  readonly questionId?: string;
}

function judgeAnswer(about: About, sent: readonly Sent[], rows: readonly StoredAnswer[]): Finding[] {
  const ids = rows.map(({ id }) => id);
  const acknowledged = sent.findLastIndex(({ outcome }) => outcome === 'acknowledged');
  const last = sent[acknowledged];
  if (rows.length > 1) {
    return [finding('doubled', about, last ?? sent[0], ids, `${rows.length} rows for one answer`)];
  }
  const [row] = rows;
  if (last === undefined) return judgeUnacknowledged(about, sent, row);
  // the loser of a race is told the winner's value: what it sent is gone, although it was answered 200
  const told = sent
    .filter(({ outcome, value, acknowledged: given }) => outcome === 'acknowledged' && value !== given)
    .map((one) =>
      finding('changed', about, one, ids, `sent ${text(one.value)}, acknowledged ${text(one.acknowledged)}`),
    );
  if (told.length > 0) return told;
  if (row === undefined) {
    return [finding('lost', about, last, [], `acknowledged ${text(last.acknowledged)}, no row`)];
  }
  if (row.value === last.acknowledged || isExplained(row, last, sent, acknowledged)) return [];
  const detail = `acknowledged ${text(last.acknowledged)}, stored ${text(row.value)}`;
  return [{ ...finding('changed', about, last, ids, detail), stored: row.value }];
}

/**
 * By a write that has no clear answer: sent later, or sent earlier and stored late, which the row's time tells: it is the
 * same clock as that of the acknowledgement.
 */
function isExplained(row: StoredAnswer, last: Sent, sent: readonly Sent[], acknowledged: number): boolean {
  return sent.some(
    ({ outcome, value }, index) =>
      (outcome === 'unknown' || outcome === 'pending') &&
      value === row.value &&
      (index > acknowledged || (last.storedAt !== null && row.writtenAt > last.storedAt)),
  );
}

function judgeUnacknowledged(about: About, sent: readonly Sent[], row: StoredAnswer | undefined): Finding[] {
  if (row === undefined) return [];
  const may = sent.some(
    ({ outcome, value }) => (outcome === 'unknown' || outcome === 'pending') && value === row.value,
  );
  if (may) return [];
  const refused = sent.findLast(({ value }) => value === row.value);
  const detail =
    refused === undefined
      ? `${text(row.value)} is stored, and was never sent`
      : `rejected with ${refused.status}, yet stored`;
  return [
    { ...ghost(about, [row], detail), place: (refused ?? sent.at(-1))?.place ?? null, stored: row.value },
  ];
}

function resolveAnswers(
  sent: readonly Sent[],
  row: StoredAnswer | undefined,
  unknown: { stored: number; notStored: number; overwritten: number },
): void {
  const acknowledged = sent.findLastIndex(({ outcome }) => outcome === 'acknowledged');
  for (const [index, { outcome, value }] of sent.entries()) {
    if (outcome !== 'unknown' && outcome !== 'pending') continue;
    if (index < acknowledged) unknown.overwritten += 1;
    else unknown[row !== undefined && row.value === value ? 'stored' : 'notStored'] += 1;
  }
}

function judgeSubmits(history: SessionHistory, { state }: StoredSession): Finding[] {
  const about = { sessionId: history.sessionId };
  const acknowledged = history.submits.filter(({ outcome }) => outcome === 'acknowledged');
  const [first] = acknowledged;
  if (state === null) {
    const created = history.created ?? first?.place ?? null;
    const detail = 'the session was acknowledged, and is not there';
    return [{ what: 'lost', ...about, place: created, rows: [], detail }];
  }
  const rows = [history.sessionId];
  if (!state.submitted) {
    return acknowledged
      .slice(0, 1)
      .map((submit) => finding('not-submitted', about, submit, rows, `the session is ${state.status}`));
  }
  const findings: Finding[] = [];
  const isPossible = history.submits.some(({ outcome }) => outcome !== 'rejected');
  if (!isPossible) findings.push({ ...ghost(about, [], 'submitted, and no submit was sent'), rows });
  const place = first ?? history.submits[0];
  if (state.eventScores > 1) {
    const detail = `${state.eventScores} different scores in its submit events`;
    findings.push(finding('doubled', about, place, rows, detail));
  }
  for (const submit of acknowledged) {
    if (submit.acknowledged === state.score) continue;
    const detail = `acknowledged ${text(submit.acknowledged)}, stored ${text(state.score)}`;
    findings.push(finding('score-differs', about, submit, rows, detail));
  }
  if (state.recomputed !== null && state.recomputed !== state.score) {
    const detail = `stored ${text(state.score)}, its answers make ${state.recomputed}`;
    findings.push(finding('score-wrong', about, place, rows, detail));
  }
  return findings;
}

function finding(
  what: FindingKind,
  about: About,
  sent: Sent | undefined,
  rows: readonly string[],
  detail: string,
): Finding {
  return { what, ...about, place: sent?.place ?? null, rows, detail };
}

function ghost(about: About, rows: readonly StoredAnswer[], detail: string): Finding {
  return { what: 'ghost', ...about, place: null, rows: rows.map(({ id }) => id), detail };
}

function text(value: number | null): string {
  return value === null ? 'none' : String(value);
}
