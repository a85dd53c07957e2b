import type { Identity, Thresholds } from '../lifecycle/environment.ts';
import {
  blocksOfYear,
  type LoadProfile,
  type ProfileName,
  type Scenario,
  type ScenarioId,
} from './scenario.ts';
import { seededRandom } from './seeded-random.ts';

/**
 * All that an engine needs, as JSON; k6 reads it from a file. Times are seconds from the start of the measured
 * window: what is negative prepares it. Holds tokens: never part of a run's evidence.
 */
export interface LoadPlan {
  readonly scenario: ScenarioId;
  readonly profile: ProfileName;
  /** with the base path: "http://127.0.0.1:4000/v1" */
  readonly baseUrl: string;
  readonly leadInSeconds: number;
  readonly seconds: number;
  readonly graceSeconds: number;
  readonly requestTimeoutSeconds: number;
  readonly thresholds: Pick<Thresholds, 'p95Ms' | 'errorRate'>;
  readonly students: readonly StudentPlan[];
}

export interface StudentPlan {
  /** from 1; what the ledger calls the student */
  readonly number: number;
  readonly token: string;
  readonly createAt: number;
  /** body of POST /sessions */
  readonly session: {
    readonly mode: 'EXAM';
    readonly year: number;
    readonly blocks: readonly string[];
    readonly count: number;
    readonly duration_seconds: number;
  };
  /** in the order in which they are given */
  readonly answers: readonly AnswerPlan[];
  /** null: submitted when all else is done, not measured */
  readonly submitAt: number | null;
  readonly submitTwice: boolean;
}

export interface AnswerPlan {
  readonly at: number;
  /** index into the session's questions */
  readonly question: number;
  readonly selectedIndex: number;
}

export interface LoadPlanRequest {
  readonly scenario: Scenario;
  readonly profileName: ProfileName;
  readonly profile: LoadProfile;
  readonly identities: readonly Identity[];
  readonly baseUrl: string;
  readonly thresholds: Thresholds;
}

export function planLoad(request: LoadPlanRequest): LoadPlan {
  const { scenario, profileName, profile, identities, baseUrl, thresholds } = request;
  const leadInSeconds = leadInOf(scenario, profile);
  return {
    scenario: scenario.id,
    profile: profileName,
    baseUrl,
    leadInSeconds,
    seconds: profile.seconds,
    graceSeconds: profile.graceSeconds,
    requestTimeoutSeconds: 15,
    thresholds: { p95Ms: thresholds.p95Ms, errorRate: thresholds.errorRate },
    students: identities.map((identity, index) => planStudent(identity, index, request, leadInSeconds)),
  };
}

/** Seconds before the window in which sessions are prepared; nothing to prepare needs none. */
export function leadInOf(scenario: Scenario, profile: LoadProfile): number {
  return scenario.creates === 'before' ? Math.ceil(profile.students / scenario.preparedPerSecond) + 2 : 0;
}

function planStudent(
  { token }: Identity,
  index: number,
  { scenario, profile }: LoadPlanRequest,
  leadInSeconds: number,
): StudentPlan {
  const random = seededRandom(index + 1);
  const { year, blocks } = blocksOfYear[index % 2 === 0 ? 0 : 1];
  const arrivesAt = arrivalOf(scenario, profile, random());
  const preparedAt = index / scenario.preparedPerSecond - leadInSeconds;
  const openSeconds = leadInSeconds + profile.seconds + profile.graceSeconds + 60;
  return {
    number: index + 1,
    token,
    createAt: scenario.creates === 'before' ? preparedAt : arrivesAt,
    session: {
      mode: 'EXAM',
      year,
      blocks,
      count: profile.questions,
      duration_seconds: Math.ceil(openSeconds),
    },
    answers: [
      ...answersBefore(scenario, profile, preparedAt, random),
      ...(scenario.answersInWindow ? answersInWindow(scenario, profile, random) : []),
    ],
    submitAt: scenario.submits === 'in-window' ? arrivesAt : null,
    submitTwice: random() < scenario.submitTwiceRatio,
  };
}

/** Nobody arrives in the last 5 % of the window, so that the last ones are served within it. */
function arrivalOf({ arrival }: Scenario, { seconds }: LoadProfile, share: number): number {
  return round((arrival === 'late' ? Math.sqrt(share) : share) * seconds * 0.95);
}

function answersBefore(
  { answersBefore }: Scenario,
  { questions }: LoadProfile,
  at: number,
  random: () => number,
): AnswerPlan[] {
  const count = Math.min(answersBefore, questions);
  return Array.from({ length: count }, (_, question) => ({
    at,
    question,
    selectedIndex: Math.floor(random() * 5),
  }));
}

/** Question by question, now and then changing an earlier answer; when all are answered, only changes are left. */
function answersInWindow(scenario: Scenario, profile: LoadProfile, random: () => number): AnswerPlan[] {
  const { min, max } = profile.thinkSeconds;
  const chosen: number[] = [];
  const answers: AnswerPlan[] = [];
  for (let at = random() * max; at < profile.seconds; at += Math.max(0.05, min + random() * (max - min))) {
    const changes =
      chosen.length > 0 && (chosen.length === profile.questions || random() < scenario.changeRatio);
    const question = changes ? Math.floor(random() * chosen.length) : chosen.length;
    const selectedIndex = changes
      ? ((chosen[question] ?? 0) + 1 + Math.floor(random() * 4)) % 5
      : Math.floor(random() * 5);
    chosen[question] = selectedIndex;
    answers.push({ at: round(at), question, selectedIndex });
  }
  return answers;
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
