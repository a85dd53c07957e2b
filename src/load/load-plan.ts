import type { Identity, Thresholds } from '../lifecycle/environment.ts';
import { expiryOf } from '../lifecycle/token-expiry.ts';
import {
  blocksOfYear,
  type LoadProfile,
  type ProfileName,
  type Scenario,
  type ScenarioId,
} from './scenario.ts';
import { seededRandom } from './seeded-random.ts';
import type { ExamShape } from './shape/exam-shape.ts';

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
  /** milliseconds since 1970; null: when the engine is ready, and the lead-in is over */
  readonly windowStart: number | null;
  readonly seconds: number;
  readonly graceSeconds: number;
  readonly requestTimeoutSeconds: number;
  /** relative to the base path: where a refresh token is exchanged */
  readonly refreshPath: string;
  readonly thresholds: Pick<Thresholds, 'p95Ms' | 'errorRate'>;
  readonly students: readonly StudentPlan[];
}

export interface StudentPlan {
  /** from 1; what the ledger calls the student */
  readonly number: number;
  readonly token: string;
  /** for a new token when this one is about to expire; null: there is none */
  readonly refreshToken: string | null;
  /** seconds since 1970; null: the token does not say */
  readonly tokenExpiresAt: number | null;
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
  /** the connection is lost while it is sent; the student comes back, looks at the session, and sends it again */
  readonly lost?: LostConnection;
}

export interface LostConnection {
  /** milliseconds after the sending begins; an answer that is faster arrives all the same */
  readonly afterMs: number;
  readonly awaySeconds: number;
}

export interface LoadPlanRequest {
  readonly scenario: Scenario;
  readonly profileName: ProfileName;
  readonly profile: LoadProfile;
  readonly identities: readonly Identity[];
  readonly baseUrl: string;
  readonly refreshPath: string;
  readonly thresholds: Thresholds;
  /** who comes when, and goes when: instead of what the scenario draws */
  readonly shape?: ExamShape | undefined;
}

export function planLoad(request: LoadPlanRequest): LoadPlan {
  const { scenario, profileName, profile, identities, baseUrl, refreshPath, thresholds } = request;
  const leadInSeconds = leadInOf(scenario, profile);
  return {
    scenario: scenario.id,
    profile: profileName,
    baseUrl,
    leadInSeconds,
    windowStart: null,
    seconds: profile.seconds,
    graceSeconds: profile.graceSeconds,
    requestTimeoutSeconds: 15,
    refreshPath,
    thresholds: { p95Ms: thresholds.p95Ms, errorRate: thresholds.errorRate },
    students: identities.map((identity, index) => planStudent(identity, index, request, leadInSeconds)),
  };
}

/** Seconds before the window in which sessions are prepared; nothing to prepare needs none. */
export function leadInOf(scenario: Scenario, profile: LoadProfile): number {
  return scenario.arrives === 'before' ? Math.ceil(profile.students / scenario.preparedPerSecond) + 2 : 0;
}

function planStudent(
  { token, refreshToken }: Identity,
  index: number,
  { scenario, profile, shape }: LoadPlanRequest,
  leadInSeconds: number,
): StudentPlan {
  const random = seededRandom(index + 1);
  const { year, blocks } = blocksOfYear[index % 2 === 0 ? 0 : 1];
  const time = shape?.students[index];
  const createAt = round(
    time !== undefined
      ? time.start
      : scenario.arrives === 'before'
        ? index / scenario.preparedPerSecond - leadInSeconds
        : random() * scenario.arrives.within * profile.seconds,
  );
  const submitAt =
    time !== undefined && time.submit !== null
      ? round(time.start + time.submit)
      : submitTimeOf(
          scenario,
          { begin: createAt, end: time === undefined ? profile.seconds : time.start + time.seconds },
          random,
        );
  const openSeconds = leadInSeconds + profile.seconds + profile.graceSeconds + 60;
  return {
    number: index + 1,
    token,
    refreshToken: refreshToken ?? null,
    tokenExpiresAt: secondsOf(expiryOf(token)),
    createAt,
    session: {
      mode: 'EXAM',
      year,
      blocks,
      count: profile.questions,
      duration_seconds: Math.ceil(openSeconds),
    },
    answers: [
      ...answersBefore(scenario, profile, createAt, random),
      ...(scenario.answersInWindow
        ? answersBetween(
            { begin: Math.max(0, createAt), end: submitAt ?? profile.seconds, count: time?.answers ?? null },
            scenario,
            profile,
            random,
          )
        : []),
    ],
    submitAt,
    submitTwice: random() < scenario.submitTwiceRatio,
  };
}

/** Nobody submits in the last 5 % of the window, so that the last ones are served within it. */
function submitTimeOf(
  { submits, earlyRatio }: Scenario,
  own: { readonly begin: number; readonly end: number },
  random: () => number,
): number | null {
  if (submits === 'after') return null;
  const start = Math.max(0, own.begin);
  const end = start + (own.end - start) * 0.95;
  const spike = Math.max(start, end - submits.within * own.end);
  if (random() < earlyRatio) {
    const middle = (start + end) / 2;
    return round(middle + random() * Math.max(0, spike - middle));
  }
  return round(spike + Math.sqrt(random()) * (end - spike));
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
function answersBetween(
  { begin, end, count }: { readonly begin: number; readonly end: number; readonly count: number | null },
  scenario: Scenario,
  profile: LoadProfile,
  random: () => number,
): AnswerPlan[] {
  const { min, max } = count === null ? profile.thinkSeconds : thinkTimeFor((end - begin) / (count + 1));
  const { awaySeconds, lostConnectionRatio } = scenario;
  // in an exam of seconds nobody is away for most of it
  const mostAway = (end - begin) / 4;
  const chosen: number[] = [];
  const answers: AnswerPlan[] = [];
  for (let at = begin + random() * max; at < end; at += Math.max(0.05, min + random() * (max - min))) {
    const changes =
      chosen.length > 0 && (chosen.length === profile.questions || random() < scenario.changeRatio);
    const question = changes ? Math.floor(random() * chosen.length) : chosen.length;
    const selectedIndex = changes
      ? ((chosen[question] ?? 0) + 1 + Math.floor(random() * 4)) % 5
      : Math.floor(random() * 5);
    chosen[question] = selectedIndex;
    const isLost = lostConnectionRatio > 0 && random() < lostConnectionRatio;
    const away = round(Math.min(awaySeconds.min + random() * (awaySeconds.max - awaySeconds.min), mostAway));
    const lost = { afterMs: 1 + Math.floor(random() * mostMsUntilLost), awaySeconds: away };
    answers.push({ at: round(at), question, selectedIndex, ...(isLost && { lost }) });
    if (isLost) at += away;
  }
  return answers;
}

/** As slowly as those did who gave so many answers. */
function thinkTimeFor(mean: number): { readonly min: number; readonly max: number } {
  return { min: mean / 2, max: mean * 1.5 };
}

/** Some of the requests arrive by then, others do not, and nobody who sent them knows which. */
const mostMsUntilLost = 12;

function secondsOf(date: Date | undefined): number | null {
  return date === undefined ? null : date.getTime() / 1000;
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
