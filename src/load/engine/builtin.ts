import { setMaxListeners } from 'node:events';
import type { LedgerLine } from '../ledger.ts';
import { NdjsonFile } from '../ndjson-file.ts';
import type { EngineEnding, EngineJob, LoadHttp } from '../ports.ts';
import { Visit } from './visit.ts';

export interface BuiltinRun extends EngineJob {
  readonly http: LoadHttp;
}

/** For machines without k6: one asynchronous loop for each virtual student, all in this process. */
export async function runBuiltin(run: BuiltinRun): Promise<EngineEnding> {
  const { plan, http, ledgerFile, onSample } = run;
  const failure = new AbortController();
  const overdue = AbortSignal.timeout(
    (5 + plan.leadInSeconds + plan.seconds + plan.graceSeconds + plan.requestTimeoutSeconds) * 1000,
  );
  const signal = AbortSignal.any([run.signal, failure.signal, overdue]);
  // Each student listens, at every wait and every request.
  setMaxListeners(0, signal);
  const ledger = new NdjsonFile(ledgerFile, 'append');
  const [began, cpuBefore] = [performance.now(), process.cpuUsage()];
  const surroundings = {
    plan,
    http,
    signal,
    windowStart: plan.windowStart ?? Date.now() + plan.leadInSeconds * 1000,
    onSample,
    onFailure: run.onFailure,
    writeLedger: (line: LedgerLine) => ledger.write(line),
  };
  try {
    let atWork = 0;
    const visits = plan.students.map(async (student) => {
      run.onStudents?.(++atWork);
      await new Visit(student, surroundings).run();
      run.onStudents?.(--atWork);
    });
    // A failure that is not the platform's, such as a full disk, ends all visits: they would go on unrecorded.
    for (const visit of visits) visit.catch((error) => failure.abort(error));
    await Promise.allSettled(visits);
  } finally {
    ledger.close();
    await http.close();
  }
  const cause: unknown = failure.signal.reason;
  if (failure.signal.aborted && !run.signal.aborted && !overdue.aborted) throw cause;
  const { user, system } = process.cpuUsage(cpuBefore);
  const busyCores = (user + system) / 1000 / (performance.now() - began);
  return { aborted: run.signal.aborted, busyCores };
}
