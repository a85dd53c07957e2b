import type { Environment } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { type LogRecord, parseLogLine } from '../platforms/request-log-line.ts';
import { type Attempt, judged, outcomeOf } from './attempt.ts';

/** How complete the request log is: lines, and those of them that lack what an audit needs. */
export interface RequestLogCompleteness {
  readonly lines: number;
  readonly withoutRequestId: number;
  readonly withoutStatus: number;
  readonly withoutDuration: number;
  /** successful answers and submits: students are always logged in there */
  readonly studentWrites: number;
  readonly studentWritesWithoutUser: number;
  /** lines of R1, which names no user anywhere */
  readonly withoutUserByDesign: number;
}

const probe = { id: 'requests-on-record', title: 'the request log tells who did what, with which result' };

export async function probeRequestLog(
  environment: Environment,
  { since, signal }: { since: Date; signal: AbortSignal },
): Promise<RequestLogCompleteness> {
  const count = countCompleteness();
  for await (const { text } of environment.driver.logs('backend', { since, signal })) {
    count.add(parseLogLine(text));
  }
  return count.result();
}

export function countCompleteness(): {
  add(record: LogRecord | undefined): void;
  result(): RequestLogCompleteness;
} {
  const result = {
    lines: 0,
    withoutRequestId: 0,
    withoutStatus: 0,
    withoutDuration: 0,
    studentWrites: 0,
    studentWritesWithoutUser: 0,
    withoutUserByDesign: 0,
  };
  return {
    result: () => result,
    add(record) {
      if (record?.kind !== 'end') return;
      result.lines += 1;
      if (record.requestId === null) result.withoutRequestId += 1;
      if (!record.hasStatus) result.withoutStatus += 1;
      if (record.ms === null) result.withoutDuration += 1;
      if (!record.logsUser) result.withoutUserByDesign += 1;
      if (!isStudentWrite(record)) return;
      result.studentWrites += 1;
      if (record.logsUser && record.userId === null) result.studentWritesWithoutUser += 1;
    },
  };
}

function isStudentWrite({ method, path, status }: Extract<LogRecord, { kind: 'end' }>): boolean {
  return method === 'POST' && status === 200 && /\/sessions\/[^/]+\/(answer|submit)(-thin)?$/.test(path);
}

export function judgeRequestLog(completeness: Attempt<RequestLogCompleteness>): OutcomeRecord {
  return judged(probe, completeness, (seen) => {
    if (seen.lines === 0) {
      return outcomeOf(
        probe,
        'unknown',
        'the log of the backend has no request line in that time',
        'look whether the log was rotated, and whether the time is right (--since)',
      );
    }
    const lacks = [
      [seen.withoutRequestId, 'no request_id'],
      [seen.withoutStatus, 'no status_code'],
      [seen.withoutDuration, 'no duration'],
    ] as const;
    const problems = lacks.flatMap(([count, what]) =>
      count === 0 ? [] : [`${count} of ${seen.lines} request lines have ${what}`],
    );
    if (seen.studentWritesWithoutUser > 0) {
      problems.push(
        `${seen.studentWritesWithoutUser} of ${seen.studentWrites} answers and submits have no user_id`,
      );
    }
    if (problems.length > 0) {
      return outcomeOf(probe, 'fail', problems.join('; '), 'the log cannot be joined to events and students');
    }
    const found = `${seen.lines} request lines, ${seen.studentWrites} answers and submits`;
    if (seen.withoutUserByDesign === 0) return outcomeOf(probe, 'pass', found);
    return outcomeOf(
      probe,
      'warn',
      `${found}; revision R1 logs no user, only attempt_events tells who it was`,
      'revision R2 logs user_id with each request',
    );
  });
}
