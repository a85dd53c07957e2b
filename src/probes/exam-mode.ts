import type { Environment, Identity } from '../lifecycle/environment.ts';
import { type Outcome, type OutcomeRecord, worst } from '../lifecycle/outcome.ts';
import { attempt } from './attempt.ts';
import { backendTargets } from './backend-targets.ts';
import { readFlag, readVariable } from './exam-mode-flag.ts';
import type { ExamModeState } from './exam-mode-gate.ts';
import { probeJobs } from './exam-mode-jobs.ts';
import { gateContext, probeAllowed, probeApiView, probeBlocked } from './exam-mode-operations.ts';
import { judgeDrift, judgeFlag, probeNeighbours } from './exam-mode-switches.ts';
import { settle } from './exam-mode-workers.ts';
import { probeHealth } from './health.ts';

export interface VerifyExamModeOptions {
  readonly expected: ExamModeState;
  readonly signal: AbortSignal;
  /** who asks what students may do; default: the environment's first */
  readonly students?: () => Promise<readonly Identity[]>;
  /** milliseconds to wait for the workers' flag caches to agree; default: the life of a cache and 1 s */
  readonly wait?: number;
  readonly onProgress?: (message: string) => void;
}

export interface ExamModeVerification {
  readonly expected: ExamModeState;
  /** the worst of the outcomes */
  readonly outcome: Outcome;
  readonly outcomes: readonly OutcomeRecord[];
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** HTTP requests that the verification has cost the platform */
  readonly requests: number;
}

/** Looks at every place where exam mode shows: what is stored, what the API says, and what each worker does. */
export async function verifyExamMode(
  environment: Environment,
  { expected, signal, students: asked, wait, onProgress = () => undefined }: VerifyExamModeOptions,
): Promise<ExamModeVerification> {
  const startedAt = new Date();
  const counted = countRequests(environment);
  const facts = environment.platform.examMode;

  onProgress('reading the exam-mode flag');
  const flag = await attempt(() => readFlag(environment, facts.flag), signal);
  const targets = await backendTargets(environment, signal);
  const ask = { environment: counted.environment, targets, signal };
  const context = await gateContext(ask);
  const workers = await settle({ ...ask, context, expected, flag, wait, onProgress });

  const students = await attempt(asked ?? (() => environment.identities(targets.length)), signal);
  const operations = { ...ask, context, expected, students };
  const places = targets.map(({ id }) => id).join(', ');
  onProgress(`asking ${facts.blocked.length} blocked operations on ${places}`);
  const blocked: OutcomeRecord[] = [];
  for (const operation of facts.blocked) blocked.push(await probeBlocked(operation, operations));
  onProgress(`asking ${facts.allowed.length} operations of students on ${places}`);
  const allowed: OutcomeRecord[] = [];
  for (const operation of facts.allowed) allowed.push(await probeAllowed(operation, operations));

  onProgress('looking at background jobs, health and neighbouring switches');
  const outcomes = [
    judgeFlag(flag, expected),
    await probeApiView(ask, expected),
    workers.outcome,
    ...blocked,
    ...allowed,
    ...(await probeJobs(environment, { expected, signal })),
    ...(await probeHealth(counted.environment, { signal, targets })),
    ...(await probeNeighbours(environment, signal)),
    judgeDrift(
      {
        variable: await attempt(() => readVariable(environment), signal),
        flag,
        behaviour: workers.behaviour,
      },
      { isConfigured: environment.examMode.some(({ kind }) => kind === 'env-file') },
    ),
  ];
  return {
    expected,
    outcome: worst(outcomes.map(({ outcome }) => outcome)),
    outcomes,
    startedAt,
    finishedAt: new Date(),
    requests: counted.requests(),
  };
}

/** The same environment, and how many HTTP requests went through it. */
function countRequests(environment: Environment): { environment: Environment; requests(): number } {
  let requests = 0;
  const { name, platform, driver, thresholds, examMode, api, helpers } = environment;
  return {
    requests: () => requests,
    environment: {
      name,
      protected: environment.protected,
      platform,
      driver,
      thresholds,
      examMode,
      helpers,
      fingerprint: () => environment.fingerprint(),
      api: {
        url: api.url,
        baseUrl: (signal) => api.baseUrl(signal),
        request(request) {
          requests += 1;
          return api.request(request);
        },
      },
      withPostgres: (use, options) => environment.withPostgres(use, options),
      withRedis: (use) => environment.withRedis(use),
      identities: (count) => environment.identities(count),
    },
  };
}
