import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Environment, Identity } from '../lifecycle/environment.ts';
import { Undetermined, UsageError } from '../lifecycle/errors.ts';
import { authorizeLoad } from './authorize-load.ts';
import { endSessions } from './end-sessions.ts';
import { runBuiltin } from './engine/builtin.ts';
import { type Failure, failureOf } from './failure.ts';
import { summarizeLedger } from './ledger-summary.ts';
import { askedBy, loadOutcomes } from './load-outcomes.ts';
import { type LoadPlan, leadInOf, planLoad } from './load-plan.ts';
import type { Engine, LoadProgress, LoadResult } from './load-result.ts';
import { NdjsonFile } from './ndjson-file.ts';
import type { EngineEnding, EngineJob, LoadPorts } from './ports.ts';
import type { Sample } from './sample.ts';
import type { LoadProfile, ProfileName, Scenario } from './scenario.ts';
import { type ProfileOverrides, profileOf, selectProfileName, selectScenario } from './select-scenario.ts';
import { type ExamShape, lengthOf } from './shape/exam-shape.ts';
import { splitPlan } from './split-plan.ts';
import { Tally } from './tally.ts';
import { writeTally } from './tally-file.ts';
import { requireTokensUntil } from './token-life.ts';

export interface LoadOptions {
  readonly environment: Environment;
  /** a ScenarioId; anything else is a UsageError with the nearest one */
  readonly scenario: string;
  /** a ProfileName, default "smoke" */
  readonly profile?: string;
  /** auto: k6 where there is one, else builtin */
  readonly engine?: 'auto' | 'k6' | 'builtin';
  /** all that load acts as: their sessions do not stand in its way; default: those that this run needs */
  readonly identities?: readonly Identity[];
  /** overrides of the profile */
  readonly overrides?: ProfileOverrides;
  /** of an actual exam: sets the number of students and the length; for scenarios in which students come and go */
  readonly shape?: ExamShape | undefined;
  /** gets <scenario>-ledger.ndjson, -samples.ndjson and -timeline.ndjson */
  readonly folder: string;
  /** processes that share the students; default 1 */
  readonly workers?: number;
  readonly signal: AbortSignal;
  /** load in spite of protection and live exams; needs a reason */
  readonly breakGlass?: boolean;
  readonly reason?: string | undefined;
  /** once, waited for before the first request */
  onEngine?(engine: Engine, why: string): void | Promise<void>;
  /** about once a second */
  onProgress?(progress: LoadProgress): void;
}

export async function runLoad(options: LoadOptions, ports: LoadPorts): Promise<LoadResult> {
  const prepared = await prepareLoad(options);
  const { plan } = prepared;
  const workers = Math.min(options.workers ?? 1, plan.students.length);
  const { engine, binary, why } = await chooseEngine(options.engine ?? 'auto', ports);
  await options.onEngine?.(engine, why);
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const file = (name: string) => join(options.folder, `${plan.scenario}-${name}.ndjson`);
  const [ledgerFile, samplesFile, timelineFile] = [file('ledger'), file('samples'), file('timeline')];
  const tally = await Tally.create();
  const samples = new NdjsonFile(samplesFile);
  // The ledger exists even when no student came to write to it.
  new NdjsonFile(ledgerFile).close();
  const startedAt = new Date();
  let students: number | null = null;
  const progress = startProgress(plan, tally, () => students, options.onProgress);
  const onSample = (sample: Sample) => {
    tally.add(sample);
    samples.write(sample);
  };
  let ended: EngineEnding;
  let sessionsLeftOpen: number;
  try {
    const onStudents = (count: number) => {
      students = count;
    };
    const onFailure = (failure: Failure) => tally.addFailure(failure);
    const run = { plan, ledgerFile, signal: options.signal, onSample, onFailure, onStudents };
    ended = await runEngines(run, { workers, binary, ports });
    const openHttp = () => ports.openHttp(httpOptions(plan));
    sessionsLeftOpen = await endSessions({ plan, ledgerFile, openHttp, onSample, onFailure });
  } finally {
    clearInterval(progress);
    samples.close();
  }
  const timeline = new NdjsonFile(timelineFile);
  for (const second of tally.timeline.seconds()) timeline.write(second);
  timeline.close();
  const ledger = await summarizeLedger(ledgerFile);
  const asked = askedBy(plan);
  const { requests, failed, byStatus } = tally.measured;
  const { aborted, busyCores } = ended;
  // a process of the built-in engine is one thread
  const cores = availableParallelism();
  const generator = { busyCores, usableCores: binary === null ? Math.min(workers, cores) : cores };
  const tallyFile = join(options.folder, `${plan.scenario}-tally.json`);
  const { scenario, baseUrl } = plan;
  await writeTally(tallyFile, {
    scenario,
    baseUrl,
    asked,
    aborted,
    generator,
    ledger,
    tally: tally.encoded(),
  });
  return {
    scenario: plan.scenario,
    profile: plan.profile,
    engine,
    startedAt: startedAt.toISOString(),
    endedAt: new Date().toISOString(),
    aborted,
    generator: { ...generator, lag: tally.lag() },
    virtualStudents: plan.students.length,
    studentsFinished: ledger.studentsFinished,
    sessionsLeftOpen,
    requests,
    failed,
    errorRate: requests === 0 ? 0 : failed / requests,
    byStatus,
    latency: tally.latency(),
    perEndpoint: tally.perEndpoint(),
    notMeasured: { ...tally.notMeasured },
    causes: tally.causes(),
    ledgerFile,
    samplesFile,
    timelineFile,
    tallyFile,
    outcomes: loadOutcomes({ asked, tally, ledger, aborted, generator, ledgerFile, samplesFile }),
  };
}

export interface PreparedLoad {
  readonly scenario: Scenario;
  readonly profile: LoadProfile;
  readonly plan: LoadPlan;
}

/** All that can be refused is refused here, before a request is made; --dry-run shows what this returns. */
export async function prepareLoad(options: Omit<LoadOptions, 'folder'>): Promise<PreparedLoad> {
  const { environment, signal } = options;
  const scenario = selectScenario(options.scenario);
  const profileName: ProfileName = selectProfileName(options.profile ?? 'smoke');
  const { shape } = options;
  if (shape !== undefined && scenario.arrives === 'before') {
    throw new UsageError(
      `in ${scenario.id} nobody comes and goes, so that it cannot have the shape of an exam`,
      {
        hint: 'examctl load run exam-day --shape shape.json',
      },
    );
  }
  const overrides =
    shape === undefined
      ? (options.overrides ?? {})
      : { students: shape.students.length, seconds: Math.ceil(lengthOf(shape)) };
  const profile = profileOf(scenario, profileName, overrides);
  const all = options.identities ?? (await environment.identities(profile.students));
  await authorizeLoad(environment, all, {
    breakGlass: options.breakGlass ?? false,
    reason: options.reason,
  });
  const identities = identitiesFor(profile, all, environment.name);
  const seconds = leadInOf(scenario, profile) + profile.seconds + profile.graceSeconds;
  requireTokensUntil(new Date(Date.now() + seconds * 1000), identities);
  const baseUrl = await environment.api.baseUrl(signal);
  const { thresholds, platform } = environment;
  const { refreshPath } = platform;
  return {
    scenario,
    profile,
    plan: planLoad({ scenario, profileName, profile, identities, baseUrl, refreshPath, thresholds, shape }),
  };
}

/** One each: sessions and submits are limited to ten a minute for one student, and the same student gets the same questions. */
function identitiesFor({ students }: LoadProfile, all: readonly Identity[], environment: string): Identity[] {
  if (all.length >= students) return all.slice(0, students);
  throw new UsageError(
    `${environment} has ${all.length} identities for load, ${students} virtual students need one each`,
    { hint: `run it with --students ${all.length}, or configure more identities` },
  );
}

async function chooseEngine(wanted: 'auto' | 'k6' | 'builtin', ports: LoadPorts) {
  const builtin = { name: 'builtin', version: process.env.EXAMCTL_VERSION ?? 'development' } as const;
  if (wanted === 'builtin') return { engine: builtin, binary: null, why: 'asked for' };
  const found = await ports.findK6();
  if ('binary' in found) {
    const engine = { name: 'k6', version: found.version } as const;
    return { engine, binary: found.binary, why: found.binary };
  }
  if (wanted === 'auto') return { engine: builtin, binary: null, why: found.missing };
  throw new Undetermined(`k6 cannot be used: ${found.missing}`, { hint: found.hint });
}

/** By one engine, or by several of them, each with its own students and all with the same ledger. */
async function runEngines(
  job: EngineJob,
  {
    workers,
    binary,
    ports,
  }: { readonly workers: number; readonly binary: string | null; readonly ports: LoadPorts },
): Promise<EngineEnding> {
  const { plan, signal, onStudents } = job;
  if (workers === 1) {
    return binary === null
      ? runBuiltin({ ...job, http: ports.openHttp(httpOptions(plan)) })
      : runWithK6(job, binary, ports);
  }
  const failure = new AbortController();
  const counts: number[] = [];
  const runPart = async (part: LoadPlan, index: number): Promise<EngineEnding> => {
    const own: EngineJob = {
      ...job,
      plan: part,
      signal: AbortSignal.any([signal, failure.signal]),
      onStudents: (count) => {
        counts[index] = count;
        onStudents?.(counts.reduce((sum, each = 0) => sum + each, 0));
      },
    };
    try {
      return await (binary === null ? ports.runWorker(own) : runWithK6(own, binary, ports));
    } catch (error) {
      // the others would go on with a load that is not the one that was asked for
      failure.abort(error);
      throw error;
    }
  };
  const endings = await Promise.allSettled(splitPlan(plan, workers, Date.now()).map(runPart));
  const failed = endings.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  const ended = endings.flatMap((ending) => (ending.status === 'fulfilled' ? [ending.value] : []));
  const busy = ended.flatMap(({ busyCores }) => busyCores ?? []);
  return {
    aborted: ended.some(({ aborted }) => aborted),
    busyCores: busy.length < ended.length ? null : busy.reduce((sum, cores) => sum + cores, 0),
  };
}

async function runWithK6(job: EngineJob, binary: string, ports: LoadPorts): Promise<EngineEnding> {
  const { plan } = job;
  let seen = 0;
  const ending = await ports.runK6({
    ...job,
    binary,
    script: plan.scenario,
    // k6 starts its virtual users first, a second for some hundreds of them.
    timeoutSeconds: 65 + plan.leadInSeconds + plan.seconds + plan.graceSeconds + plan.requestTimeoutSeconds,
    onSample: (sample) => {
      seen += 1;
      job.onSample(sample);
    },
    onFailure: ({ endpoint, ...answer }) => job.onFailure(failureOf(endpoint, answer)),
  });
  if (!ending.aborted && ending.requests !== seen) {
    throw new Undetermined(
      `k6 made ${ending.requests ?? 'an unknown number of'} requests, ${seen} of them were recorded`,
      {
        hint: 'look for a full disk under TMPDIR, and run it again',
      },
    );
  }
  return ending;
}

function httpOptions({ baseUrl, students, requestTimeoutSeconds }: LoadPlan) {
  return { baseUrl, connections: students.length, timeoutSeconds: requestTimeoutSeconds };
}

const rateSeconds = 5;

function startProgress(
  plan: LoadPlan,
  tally: Tally,
  students: () => number | null,
  onProgress: LoadOptions['onProgress'],
): NodeJS.Timeout {
  const started = Date.now();
  const counts: number[] = [];
  return setInterval(() => {
    const elapsedSeconds = Math.round((Date.now() - started) / 1000);
    const measuring = elapsedSeconds >= plan.leadInSeconds;
    const ending = elapsedSeconds >= plan.leadInSeconds + plan.seconds;
    counts.push(tally.measured.requests + tally.notMeasured.requests);
    const [before = 0] = counts.slice(-rateSeconds - 1);
    const spanned = Math.min(rateSeconds, counts.length - 1);
    onProgress?.({
      elapsedSeconds,
      students: students(),
      requestsPerSecond: spanned < 1 ? 0 : ((counts.at(-1) ?? 0) - before) / spanned,
      seconds: plan.leadInSeconds + plan.seconds,
      phase: ending ? 'ending' : measuring ? 'measuring' : 'preparing',
      requests: tally.measured.requests,
      failed: tally.measured.failed,
    });
  }, 1000);
}
