import { summarizeWindow } from '../../load/window-summary.ts';
import type { FaultObservation, RequestShare } from '../evidence.ts';
import type { Injection } from './injection.ts';

/** Sets the requests of a load, by when they were sent, against the time of a fault. */
export async function observe(injection: Injection, samplesFile: string): Promise<FaultObservation> {
  const { injectedAt, revertedAt, recoverySeconds } = injection;
  const recovered =
    revertedAt === null ? never : new Date(revertedAt.getTime() + 1000 * (recoverySeconds ?? 0));
  const requests = async (from: Date, to: Date): Promise<RequestShare> => {
    const window = await summarizeWindow(samplesFile, { from, to });
    return { requests: window.requests, failed: window.failed };
  };
  return {
    ...observed(injection),
    before: await requests(new Date(0), injectedAt),
    during: await requests(injectedAt, recovered),
    after: await requests(recovered, never),
  };
}

/** Of a drill, during which nobody asked anything. */
export function observeAlone(injection: Injection): FaultObservation {
  const nothing = { requests: 0, failed: 0 };
  return { ...observed(injection), before: nothing, during: nothing, after: nothing };
}

const never = new Date(8.64e15);

function observed({ fault, injectedAt, revertedAt, recoverySeconds, steadyAfter, problem }: Injection) {
  return {
    fault: fault.id,
    title: fault.title,
    expectation: fault.expectation,
    toleratedErrorRate: fault.toleratedErrorRate,
    injectedAt: injectedAt.toISOString(),
    revertedAt: revertedAt?.toISOString() ?? null,
    recoverySeconds,
    steadyAfter,
    problem,
  };
}
