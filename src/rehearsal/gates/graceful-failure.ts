import type { FaultObservation, RequestShare } from '../evidence.ts';
import { type Gate, type Judgement, percent } from './gate.ts';

export const gracefulFailure: Gate = {
  id: 'graceful-failure',
  title: 'students can go on while something is broken',
  needs: ['faults'],
  judge: ({ faults }) => {
    const judged = faults.map(judgeFault);
    const bad = judged.filter(({ outcome }) => outcome === 'fail');
    const unseen = judged.filter(({ outcome }) => outcome === 'unknown');
    const outcome = bad.length > 0 ? 'fail' : unseen.length > 0 ? 'unknown' : 'pass';
    const told = outcome === 'pass' ? judged : bad.length > 0 ? bad : unseen;
    return { outcome, message: told.map(({ message }) => message).join('; ') };
  },
};

function judgeFault(observation: FaultObservation): Judgement {
  const { fault, before, during, toleratedErrorRate, expectation, problem, pulse, stopped } = observation;
  if (problem !== null) return { outcome: 'unknown', message: `${fault}: ${problem.text}` };
  const rates = { before: rateOf(before), during: rateOf(during) };
  const seen = `${fault}: ${during.failed} of ${during.requests} requests failed (${percent(rates.during)}, before ${percent(rates.before)})`;
  if (stopped !== null) {
    // what nobody could watch to its end shows nothing of the platform
    const outcome = stopped.cause === 'unwatched' ? 'unknown' : 'fail';
    return { outcome, message: `${fault} was ended early: ${stopped.text}; ${seen}` };
  }
  if ([before, during].some(({ requests, failed }) => failed > requests))
    return { outcome: 'unknown', message: `${fault}: more requests failed than were made` };
  if (during.requests === 0)
    return { outcome: 'unknown', message: `${fault}: nobody asked anything meanwhile` };
  const ofReads = (pulse?.during.errorRate ?? 0) - (pulse?.before.errorRate ?? 0);
  const worst = Math.max(rates.during - rates.before, ofReads);
  if (worst <= toleratedErrorRate) return { outcome: 'pass', message: seen };
  const reads =
    ofReads > toleratedErrorRate ? `, of examctl's own reads ${percent(ofReads)} more than before` : '';
  return { outcome: 'fail', message: `${seen}${reads}, expected: ${expectation}` };
}

function rateOf({ requests, failed }: RequestShare): number {
  return requests === 0 ? 0 : failed / requests;
}
