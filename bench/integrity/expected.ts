import type pg from 'pg';
import { type Defect, defects, timesPlanted } from './defects.ts';

export interface Expected {
  /**
   * findings of each check, corrected and classic. Of the classic ones that print one row with a count, that count.
   * Without unlogged-writes: most answers have no event here.
   */
  readonly findings: Readonly<Record<string, number>>;
  /** of tables, in the names of the columns of the checks that count */
  readonly totals: {
    readonly sessions: number;
    readonly questions: number;
    readonly answers: number;
    readonly events: number;
  };
}

/** From the plan and the defects, not from the tables that were filled after them. */
export async function expectedFindings(client: pg.Client, sessions: number): Promise<Expected> {
  const findings: Record<string, number> = {
    'constraints-valid': 0,
    'count-answers': 1,
    'count-events': 1,
    'count-questions': 1,
    'count-sessions': 1,
    'count-submits': 1,
    'classic-duplicate-mastery': 0,
    'classic-summary': 1,
  };
  for (const defect of defects) {
    for (const [check, count] of Object.entries(defect.speaks))
      findings[check] = (findings[check] ?? 0) + count * timesPlanted(defect, sessions);
  }
  const times = (name: string) => timesPlanted(defectNamed(name), sessions);
  const { missing, mismatched, given } = await countBlanks(client);
  return {
    findings: {
      ...findings,
      'classic-missing-answers': missing,
      'classic-answer-question-mismatch': mismatched,
    },
    totals: {
      sessions,
      questions: sessions * 25 - times('a question too few') - 25 * times('offline'),
      answers: given - times('a question too few') - times('lost answer') + times('orphaned answer'),
      events:
        sessions * 4 +
        times('contradictory submit') +
        times('submit repeated with the same score') +
        times('orphaned event') +
        2 * times('telemetry with a gap'),
    },
  };
}

/** What the classic checks take for losses: nearly all of it are blanks. */
async function countBlanks(
  client: pg.Client,
): Promise<{ missing: number; mismatched: number; given: number }> {
  const notLookedAt = ['overdue', 'untimed and in progress', 'lost submit', 'offline'].map(sessionsWith);
  const { rows } = await client.query<{ missing: number; mismatched: number; given: number }>(
    `SELECT
       count(*) FILTER (WHERE looked_at AND (blanks > 0 OR answer_lost OR question_lost))::int AS missing,
       count(*) FILTER (WHERE looked_at AND (blanks > 0 OR answer_lost))::int AS mismatched,
       sum(25 - blanks)::int AS given
     FROM (
       SELECT
         blanks,
         NOT (${notLookedAt.join(' OR ')}) AS looked_at,
         ${sessionsWith('lost answer')} AS answer_lost,
         ${sessionsWith('a question too few')} AS question_lost
       FROM bench.sessions
     ) seen`,
  );
  const [counted] = rows;
  if (counted === undefined) throw new Error('there are no sessions');
  return counted;
}

function sessionsWith(name: string): string {
  const { every, rest } = defectNamed(name);
  return `n % ${every} = ${rest}`;
}

function defectNamed(name: string): Defect {
  const found = defects.find((defect) => defect.name === name);
  if (found === undefined) throw new Error(`there is no defect "${name}"`);
  return found;
}
