import type { TimelineSecond } from '../../load/load-result.ts';
import type { FaultObservation, RequestShare } from '../evidence.ts';
import type { Injection } from './injection.ts';

/** Sets the requests of the load against the time of a fault. Seconds that it only touches belong to it. */
export function observe(injection: Injection, timeline: readonly TimelineSecond[]): FaultObservation {
  const { fault, injectedAt, revertedAt, recoverySeconds, steadyAfter, problem } = injection;
  const from = injectedAt.getTime() - 1000;
  const to = (revertedAt?.getTime() ?? Number.POSITIVE_INFINITY) + 1000 * (1 + (recoverySeconds ?? 0));
  const at = ({ t }: TimelineSecond) => Date.parse(t);
  return {
    fault: fault.id,
    title: fault.title,
    expectation: fault.expectation,
    toleratedErrorRate: fault.toleratedErrorRate,
    injectedAt: injectedAt.toISOString(),
    revertedAt: revertedAt?.toISOString() ?? null,
    recoverySeconds,
    before: sum(timeline.filter((second) => at(second) < from)),
    during: sum(timeline.filter((second) => at(second) >= from && at(second) <= to)),
    after: sum(timeline.filter((second) => at(second) > to)),
    steadyAfter,
    problem,
  };
}

function sum(seconds: readonly TimelineSecond[]): RequestShare {
  return {
    requests: seconds.reduce((total, { requests }) => total + requests, 0),
    failed: seconds.reduce((total, { failed }) => total + failed, 0),
  };
}
