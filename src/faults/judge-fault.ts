import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { FaultDefinition } from './fault.ts';
import type { FaultRecord } from './inject-fault.ts';
import type { Window } from './pulse.ts';

/** Beyond the share that failed before, what may fail afterwards: chance. */
const toleratedAfter = 0.02;

/** Sets what was seen against what was expected. */
export function judgeFault(
  { id, expectation, toleratedErrorRate }: Pick<FaultDefinition, 'id' | 'expectation' | 'toleratedErrorRate'>,
  seen: Pick<FaultRecord, 'before' | 'during' | 'after' | 'recoverySeconds' | 'stopped' | 'steadyAfter'>,
  recoverySeconds: number,
  unseen: string | null = null,
): OutcomeRecord {
  const { before, during, after, stopped } = seen;
  const record = { id: `fault-${id}`, title: `the platform bears ${id}` };
  const text = `${percentOf(during)} of ${during.requests} reads failed meanwhile (before ${percentOf(before)}, after ${percentOf(after)}), p95 ${msOf(during)} (before ${msOf(before)}), ${during.retries} retries, ${during.lost} lost in spite of them; steady again after ${secondsOf(seen.recoverySeconds)}${unseen === null ? '' : ` (${unseen})`}`;
  const bad: string[] = [];
  if (stopped?.cause === 'condition' || stopped?.cause === 'steady-state')
    bad.push(`ended early: ${stopped.text}`);
  if (seen.recoverySeconds === null) {
    const lost = seen.steadyAfter.filter(({ outcome }) => outcome === 'fail' || outcome === 'unknown');
    bad.push(`the steady state was not seen again: ${lost.map(({ title }) => title).join('; ')}`);
  } else if (seen.recoverySeconds > recoverySeconds) {
    bad.push(
      `it took ${secondsOf(seen.recoverySeconds)} to be steady again, ${recoverySeconds} s are allowed`,
    );
  }
  if (
    before.errorRate !== null &&
    during.errorRate !== null &&
    during.errorRate - before.errorRate > toleratedErrorRate
  )
    bad.push(`expected: ${expectation}`);
  if (
    before.errorRate !== null &&
    after.errorRate !== null &&
    after.errorRate - before.errorRate > toleratedAfter
  )
    bad.push('requests still fail after it was over');
  if (bad.length > 0) return { ...record, outcome: 'fail', message: `${text}. ${bad.join('. ')}` };
  if (before.requests === 0 || during.requests === 0 || after.requests === 0)
    return { ...record, outcome: 'unknown', message: `nobody asked anything at one of the times: ${text}` };
  if (stopped !== null)
    return { ...record, outcome: 'unknown', message: `ended early: ${stopped.text}. ${text}` };
  return { ...record, outcome: 'pass', message: text };
}

function percentOf({ errorRate }: Window): string {
  return errorRate === null ? 'none' : `${Math.round(errorRate * 1000) / 10} %`;
}

function msOf({ p95Ms }: Window): string {
  return p95Ms === null ? 'unknown' : `${Math.round(p95Ms)} ms`;
}

function secondsOf(seconds: number | null): string {
  return seconds === null ? 'never' : `${seconds.toFixed(1)} s`;
}
