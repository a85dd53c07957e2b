import type { ApiResponse } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { AllowedOperation, BlockedOperation, ExamModeFacts } from '../lifecycle/platform.ts';
import { said } from '../lifecycle/redact.ts';
import { errorCodeOf, valueAt } from './answer-body.ts';
import { type Attempt, outcomeOf } from './attempt.ts';

export type ExamModeState = 'on' | 'off';

/** What one answer of a blocked operation says about the exam-mode gate in front of it. */
export type GateReading =
  | { readonly gate: 'closed'; readonly seen: string }
  | { readonly gate: 'open'; readonly seen: string }
  | { readonly gate: 'unclear'; readonly seen: string };

export interface PlacedReading {
  /** instance that answered, or "edge" */
  readonly target: string;
  readonly reading: GateReading;
}

export interface GateContext {
  readonly facts: Pick<ExamModeFacts, 'blockedStatuses' | 'blockedCode' | 'otherLocks'>;
  /** whether a request without login is told so (401) elsewhere: then a bare 403 can only be the gate's */
  readonly loginAnswers401: boolean;
}

/** The gate runs before authentication and validation, so an anonymous, empty request says where it stopped. */
export function readGate(answer: Attempt<ApiResponse>, { facts, loginAnswers401 }: GateContext): GateReading {
  if ('problem' in answer) return { gate: 'unclear', seen: answer.problem };
  const { status, body } = answer.value;
  const code = errorCodeOf(body);
  const seen = code === undefined ? `HTTP ${status}` : `HTTP ${status} ${code}`;
  if (facts.blockedStatuses.includes(status)) {
    if (code === facts.blockedCode) return { gate: 'closed', seen };
    // Only the gate names the operation that it stops, whatever status it answers with.
    const action = valueAt(body, 'details.action') ?? valueAt(body, 'error.details.action');
    if (typeof action === 'string') return { gate: 'closed', seen: `${seen} for ${said(action)}` };
    const lock = code === undefined ? undefined : facts.otherLocks[code];
    if (lock !== undefined) return { gate: 'unclear', seen: `${seen}: refused by ${lock}, not by exam mode` };
    if (status === 403 && loginAnswers401) return { gate: 'closed', seen: `${seen}, as the documents say` };
    return { gate: 'unclear', seen: `${seen}: not the answer of exam mode` };
  }
  if (status === 401 || status === 400 || status === 422) return { gate: 'open', seen };
  if (status < 300) return { gate: 'open', seen: `${seen}: it was carried out without a login` };
  if (status === 404 || status === 405) return { gate: 'unclear', seen: `${seen}: no such operation there` };
  return { gate: 'unclear', seen: `${seen}: answers neither for an open nor for a closed gate` };
}

export function judgeBlocked(
  operation: BlockedOperation,
  readings: readonly PlacedReading[],
  expected: ExamModeState,
): OutcomeRecord {
  const probe = blockedProbe(operation, expected);
  const wanted = expected === 'on' ? 'closed' : 'open';
  const contrary = readings.filter(({ reading }) => reading.gate !== wanted && reading.gate !== 'unclear');
  const unclear = readings.filter(({ reading }) => reading.gate === 'unclear');
  const request = `POST ${operation.path}`;
  if (contrary.length > 0) {
    const is = expected === 'on' ? 'is open' : 'is still blocked';
    return outcomeOf(
      probe,
      'fail',
      `${request} ${is}: ${placesOf(contrary)}`,
      expected === 'on'
        ? 'while exam mode is to be on, do not start the exam: whoever has an admin login can start this; examctl exam-mode status shows each worker'
        : 'examctl exam-mode status shows each worker',
    );
  }
  if (unclear.length > 0) return outcomeOf(probe, 'unknown', `${request}: ${placesOf(unclear)}`);
  if (readings.length === 0) return outcomeOf(probe, 'unknown', `${request}: nothing was asked`);
  return outcomeOf(probe, 'pass', `${request}: ${placesOf(readings)}`);
}

function blockedProbe({ action }: BlockedOperation, expected: ExamModeState) {
  const words = action.replaceAll('_', ' ');
  return expected === 'on'
    ? { id: `blocked-${kebab(action)}`, title: `${words} is blocked` }
    : { id: `unblocked-${kebab(action)}`, title: `${words} is no longer blocked` };
}

/** A limiter asks for the login first, so only an answer that names exam mode proves anything. */
export function judgeBehindLimiter(
  operation: BlockedOperation,
  readings: readonly PlacedReading[],
  expected: ExamModeState,
): OutcomeRecord {
  const proven = readings.length > 0 && readings.every(({ reading }) => reading.gate === 'closed');
  const some = readings.some(({ reading }) => reading.gate === 'closed');
  if (proven || (some && expected === 'off')) return judgeBlocked(operation, readings, expected);
  return outcomeOf(
    blockedProbe(operation, expected),
    'skipped',
    `POST ${operation.path} asks for the login before exam mode, so it cannot be seen from outside; ` +
      'asked as an admin it would really run',
  );
}

/** 404 means open only in the API's own words: a proxy or a wrong path says it too. */
export function judgeAllowed(
  operation: AllowedOperation,
  answers: readonly { readonly target: string; readonly answer: Attempt<ApiResponse> }[],
  facts: Pick<ExamModeFacts, 'blockedCode' | 'otherLocks'>,
): OutcomeRecord {
  const probe = allowedProbe(operation);
  const request = `${operation.method} ${operation.path}`;
  const broken: string[] = [];
  const unclear: string[] = [];
  for (const { target, answer } of answers) {
    if ('problem' in answer) {
      unclear.push(`${target}: ${answer.problem}`);
      continue;
    }
    const { status, body } = answer.value;
    const code = errorCodeOf(body);
    const seen = `${target}: HTTP ${status}${code === undefined ? '' : ` ${code}`}`;
    if (operation.openStatuses.includes(status) && (status < 400 || code !== undefined)) continue;
    if (code === facts.blockedCode) broken.push(`${seen}, refused by exam mode`);
    else if (code !== undefined && code in facts.otherLocks) {
      broken.push(`${seen}, refused by ${facts.otherLocks[code]}`);
    } else if (status === 429) unclear.push(`${seen}, rate limited: ask again in a minute`);
    else if (status === 401) unclear.push(`${seen}, the login of the probe was refused`);
    else if (status === 404 || status === 405) unclear.push(`${seen}, no such operation there`);
    else broken.push(seen);
  }
  if (broken.length > 0) {
    const hint = 'students are affected now: look at the log of that instance; examctl exam-mode status';
    return outcomeOf(probe, 'fail', `${request}: ${[...broken, ...unclear].join('; ')}`, hint);
  }
  if (unclear.length > 0) return outcomeOf(probe, 'unknown', `${request}: ${unclear.join('; ')}`);
  if (answers.length === 0) return outcomeOf(probe, 'unknown', `${request}: nothing was asked`);
  const places = answers.map(({ target }) => target).join(', ');
  return outcomeOf(probe, 'pass', `${request} reaches the platform on ${places}`);
}

export function allowedProbe({ id, title }: AllowedOperation) {
  return { id: `allowed-${id}`, title };
}

function kebab(words: string): string {
  return words.replaceAll('_', '-');
}

/** "backend-1: HTTP 401; backend-2: HTTP 401", equal answers of one place counted. */
export function placesOf(readings: readonly PlacedReading[]): string {
  const counts = new Map<string, number>();
  for (const { target, reading } of readings) {
    const text = `${target}: ${reading.seen}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => (count === 1 ? text : `${text} (${count} times)`)).join('; ');
}
