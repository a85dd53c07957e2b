import { readFile } from 'node:fs/promises';
import { watchPool } from '../../collectors/watch-pool.ts';
import type { LoadProgress, LoadResult, TimelineSecond } from '../../load/load-result.ts';
import { runLoad } from '../../load/run-load.ts';
import type { ScenarioId } from '../../load/scenario.ts';
import { scenarios } from '../../load/scenarios/index.ts';
import type { Phase, RehearsalContext } from '../ports.ts';
import { type Injection, inject } from './injection.ts';
import { observe } from './observe.ts';

export const loadPhase: Phase = {
  id: 'load',
  title: 'Load: session burst, answers, submit spike',
  seconds: ({ load }) =>
    scenarios.reduce(
      (sum, { profiles }) => sum + profiles[load].seconds + profiles[load].graceSeconds + 2,
      0,
    ),
  rehearse: async (context) => {
    const { environment, evidence, run } = context;
    const watching = new AbortController();
    const pool = watchPool(environment, {
      everyMs: 500,
      signal: AbortSignal.any([run.signal, watching.signal]),
    });
    try {
      await drive('session-burst', context);
      await answersWithFaults(context);
      await drive('submit-spike', context);
    } finally {
      watching.abort();
      evidence.pool = await pool;
    }
    return evidence.loads.map(textOf).join('; ');
  },
};

/** The faults are injected while students answer, which is when they hurt. */
async function answersWithFaults(context: RehearsalContext): Promise<void> {
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const load = drive('answers', context, ({ phase }) => {
    if (phase === 'measuring') begin();
  }).finally(() => begin());
  await begun;
  const injections = context.injectsFaults ? await injectAll(context) : [];
  const result = await load;
  const timeline = await readTimeline(result);
  context.evidence.faults.push(...injections.map((injection) => observe(injection, timeline)));
}

async function readTimeline({ timelineFile }: LoadResult): Promise<TimelineSecond[]> {
  const lines = (await readFile(timelineFile, 'utf8')).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as TimelineSecond);
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
  { environment, run, profile, engine, load, progress, evidence, breakGlass }: RehearsalContext,
  onProgress: (progress: LoadProgress) => void = () => undefined,
): Promise<LoadResult> {
  const result = await runLoad(
    {
      environment,
      scenario,
      profile: profile.load,
      engine,
      folder: `${run.folder}/evidence/load`,
      signal: run.signal,
      breakGlass,
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
