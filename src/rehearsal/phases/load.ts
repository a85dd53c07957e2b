import { watchPool } from '../../collectors/watch-pool.ts';
import type { PlanPart } from '../../lifecycle/plan.ts';
import { leadInOf } from '../../load/load-plan.ts';
import type { LoadProgress, LoadResult } from '../../load/load-result.ts';
import { runLoad } from '../../load/run-load.ts';
import type { ScenarioId } from '../../load/scenario.ts';
import { partsOfAnExam } from '../../load/scenarios/index.ts';
import type { Phase, RehearsalContext } from '../ports.ts';
import type { RehearsalProfile } from '../profiles.ts';
import { type Injection, inject } from './injection.ts';
import { observe } from './observe.ts';
import { type Students, studentsFor } from './students.ts';

export const loadPhase: Phase = {
  id: 'load',
  title: 'Load: session burst, answers, submit spike',
  seconds: ({ load }) =>
    partsOfAnExam.reduce((sum, scenario) => {
      const profile = scenario.profiles[load];
      return sum + leadInOf(scenario, profile) + profile.seconds + endingSeconds;
    }, 0),
  parts: ({ load, faults }, { injectsFaults }) =>
    partsOfAnExam.flatMap((scenario) => [
      {
        operation: null,
        title: `Load: ${scenario.title}`,
        effect: `${scenario.profiles[load].students} exam sessions of rehearsal students are written and handed in`,
      },
      ...(injectsFaults && scenario.id === 'answers' ? faults.map(faultPart) : []),
    ]),
  rehearse: async (context) => {
    const { environment, evidence, run } = context;
    const watching = new AbortController();
    const pool = watchPool(environment, {
      everyMs: 500,
      signal: AbortSignal.any([run.signal, watching.signal]),
    });
    // it may fail long before it is waited for
    pool.catch(() => undefined);
    try {
      const students = await studentsFor(context);
      await drive('session-burst', students, context);
      await answersWithFaults(students, context);
      await drive('submit-spike', students, context);
    } finally {
      watching.abort();
      evidence.pool = await pool;
    }
    return evidence.loads.map(textOf).join('; ');
  },
};

function faultPart({ fault, seconds }: RehearsalProfile['faults'][number]): PlanPart {
  return {
    operation: `fault inject ${fault}`,
    title: `Fault, while they answer: ${fault}`,
    effect: `held for ${seconds} s, reverted, and proven to be as before`,
  };
}

/** In which the engine starts and the last students end their sessions. */
const endingSeconds = 4;

/** The faults are injected while students answer, which is when they hurt. */
async function answersWithFaults(students: Students, context: RehearsalContext): Promise<void> {
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const load = drive('answers', students, context, ({ phase }) => {
    if (phase === 'measuring') begin();
  }).finally(() => begin());
  // both come to their end, whichever fails: load must not go on behind the back of a rehearsal that is over
  const [driven, injected] = await Promise.allSettled([
    load,
    begun.then(() => (context.injectsFaults ? injectAll(context) : [])),
  ]);
  if (injected.status === 'rejected') throw injected.reason;
  if (driven.status === 'rejected') throw driven.reason;
  const made = injected.value.filter(({ window }) => window !== null);
  for (const injection of injected.value) {
    const next = made[made.indexOf(injection) + 1];
    context.evidence.faults.push(await observe(injection, driven.value.samplesFile, next));
  }
}

async function injectAll(context: RehearsalContext): Promise<Injection[]> {
  const { clock, run, profile } = context;
  const begin = clock.now().getTime();
  const injections: Injection[] = [];
  for (const { fault, at, seconds } of profile.faults) {
    await clock.sleep(begin + at * 1000 - clock.now().getTime(), run.signal);
    run.signal.throwIfAborted();
    injections.push(await inject(fault, seconds, context));
  }
  return injections;
}

async function drive(
  scenario: ScenarioId,
  students: Students,
  { environment, run, profile, engine, load, progress, evidence, breakGlass, reason }: RehearsalContext,
  onProgress: (progress: LoadProgress) => void = () => undefined,
): Promise<LoadResult> {
  const result = await runLoad(
    {
      environment,
      scenario,
      identities: students.get(scenario) ?? [],
      profile: profile.load,
      engine,
      folder: `${run.folder}/evidence/load`,
      signal: run.signal,
      breakGlass,
      reason,
      onEngine: ({ name, version }) => progress.update(`${scenario}: ${name} ${version}`),
      onProgress: (now) => {
        onProgress(now);
        progress.update(`${scenario}: ${now.requests} requests, ${now.failed} failed`);
      },
    },
    load,
  );
  run.signal.throwIfAborted();
  evidence.loads.push(result);
  return result;
}

function textOf({ scenario, requests, failed, latency }: LoadResult): string {
  return `${scenario} ${requests} requests, ${failed} failed, p95 ${latency === null ? 'unknown' : `${Math.round(latency.p95)} ms`}`;
}
