import { summarizeWindow } from '../../load/window-summary.ts';
import type { FaultObservation, RequestShare } from '../evidence.ts';
import type { Injection } from './injection.ts';

/**
 * Sets the requests of a load, by when they were sent, against the time of a fault; `next`: when the next one began, as a
 * request counts for one of them. A fault that was never made disturbed none.
 */
export async function observe(
  injection: Injection,
  samplesFile: string,
  next?: Injection,
): Promise<FaultObservation> {
  const { injectedAt, window } = injection;
  const begun = window?.from ?? injectedAt;
  const ended = window === null ? begun : (window.to ?? never);
  const recovered = new Date(Math.min(ended.getTime(), (next?.window?.from ?? never).getTime()));
  const requests = async (from: Date, to: Date): Promise<RequestShare> => {
    const window = await summarizeWindow(samplesFile, { from, to });
    return { requests: window.requests, failed: window.failed };
  };
  return {
    ...observed(injection),
    before: await requests(new Date(0), begun),
    during: await requests(begun, recovered),
    after: await requests(recovered, never),
  };
}

/** Of a drill, during which nobody but the pulse asked anything. */
export function observeAlone(injection: Injection): FaultObservation {
  const nothing = { requests: 0, failed: 0 };
  return { ...observed(injection), before: nothing, during: nothing, after: nothing };
}

const never = new Date(8.64e15);

function observed({ fault, injectedAt, record, problem }: Injection) {
  return {
    fault: fault.id,
    title: fault.title,
    expectation: fault.expectation,
    toleratedErrorRate: fault.toleratedErrorRate,
    injectedAt: record?.begunAt ?? injectedAt.toISOString(),
    revertedAt: record?.revertedAt ?? null,
    recoverySeconds: record?.recoverySeconds ?? null,
    steadyAfter: record?.steadyAfter ?? [],
    pulse: record === null ? null : { before: record.before, during: record.during, after: record.after },
    stopped: record?.stopped ?? null,
    verdict: record?.verdict ?? null,
    problem,
  };
}
