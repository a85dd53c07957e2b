export type ScenarioId = 'session-burst' | 'answers' | 'submit-spike' | 'exam-day';
export type ProfileName = 'smoke' | 'exam-day';

/** How much of a scenario is run. Times are seconds. */
export interface LoadProfile {
  readonly students: number;
  /** length of the measured window */
  readonly seconds: number;
  /** questions in each session */
  readonly questions: number;
  /** after the window: for those who are late, and to end the sessions */
  readonly graceSeconds: number;
  /** between two answers of a student, evenly spread */
  readonly thinkSeconds: { readonly min: number; readonly max: number };
}

/** What virtual students do. What is done before the measured window prepares it and is not measured. */
export interface Scenario {
  readonly id: ScenarioId;
  readonly title: string;
  readonly description: string;
  /** when a student's session is created: before the window, or evenly spread over its first share (0..1) */
  readonly arrives: 'before' | { readonly within: number };
  /** answers given before the window, by each student */
  readonly answersBefore: number;
  /** whether students answer during the window, with think time */
  readonly answersInWindow: boolean;
  /** share of the answers in the window that change an earlier one */
  readonly changeRatio: number;
  /** share of the answers in the window that are sent over a connection which is lost before their answer can come */
  readonly lostConnectionRatio: number;
  /** how long a student whose connection was lost is away, seconds, evenly spread */
  readonly awaySeconds: { readonly min: number; readonly max: number };
  /**
   * when a session is submitted: in the last share (0..1) of the window, by more students the nearer its end; or `after`,
   * which ends it so that no session of the load stays open, and is not measured
   */
  readonly submits: 'after' | { readonly within: number };
  /** share of the students that submit before that, from the middle of their time on */
  readonly earlyRatio: number;
  /** share of the students that submit twice */
  readonly submitTwiceRatio: number;
  /** students that are made ready in a second before the window */
  readonly preparedPerSecond: number;
  readonly profiles: Readonly<Record<ProfileName, LoadProfile>>;
}

export const profileNames: readonly ProfileName[] = ['smoke', 'exam-day'];

/** Blocks that exist in a year; a session that asks for a block of another year is refused with 400. */
export const blocksOfYear = [
  { year: 1, blocks: ['A', 'B', 'C'] },
  { year: 2, blocks: ['D', 'E', 'F'] },
] as const;
