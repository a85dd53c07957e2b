import { setTimeout as sleep } from 'node:timers/promises';
import { readJson, writeJson } from '../adapters/files.ts';
import type { JobSchedule } from '../lifecycle/environment.ts';
import { OperationFailed, UsageError } from '../lifecycle/errors.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import type { SandboxFiles } from './folder.ts';
import { isJobKey, jobKeys } from './job-keys.ts';

type JobSwitches = Readonly<Record<string, boolean>>;
type JobStates = Readonly<Record<string, { readonly running: boolean; readonly lastRun: string | null }>>;

/** A job that was about to start when it was switched off has shown itself by then. */
const quietFor = 300;
const endsWithin = 15_000;

/** What the job worker reports; its report outlives it, so nothing runs when the worker does not. */
export function readJobs(files: SandboxFiles, isWorkerAlive: boolean): JobSchedule[] {
  const switches = readJson<JobSwitches>(files.jobs) ?? {};
  const states = readJson<JobStates>(files.jobsState) ?? {};
  return jobKeys.map((key) => ({
    key,
    enabled: switches[key] ?? true,
    running: isWorkerAlive && (states[key]?.running ?? false),
  }));
}

/** When jobs are switched off, resolves when none of them runs any more. */
export async function switchJobs(
  files: SandboxFiles,
  { enabled, keys }: { enabled: boolean; keys: readonly string[] },
  isWorkerAlive: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  for (const key of keys) {
    if (isJobKey(key)) continue;
    throw new UsageError(`the sandbox has no job "${key}"`, { hint: didYouMean(key, jobKeys) });
  }
  // asked first, as without a sandbox there is nothing to switch
  await isWorkerAlive();
  const switches = readJson<JobSwitches>(files.jobs) ?? {};
  writeJson(files.jobs, { ...switches, ...Object.fromEntries(keys.map((key) => [key, enabled])) });
  if (!enabled) await untilQuiet(files, keys, isWorkerAlive, signal);
}

async function untilQuiet(
  files: SandboxFiles,
  keys: readonly string[],
  isWorkerAlive: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + endsWithin;
  let quietSince = performance.now();
  while (performance.now() - quietSince < quietFor) {
    signal.throwIfAborted();
    const running = readJobs(files, await isWorkerAlive()).filter(
      (job) => keys.includes(job.key) && job.running,
    );
    if (running.length > 0) quietSince = performance.now();
    if (performance.now() > deadline) {
      const names = running.map(({ key }) => key).join(', ');
      throw new OperationFailed(
        `the jobs are switched off, but still run after ${endsWithin / 1_000} s: ${names}`,
        {
          reverted: false,
          hint: 'examctl sandbox logs worker',
        },
      );
    }
    await sleep(50);
  }
}
