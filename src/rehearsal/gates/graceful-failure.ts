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
  const { fault, before, during, toleratedErrorRate, expectation, problem } = observation;
  if (problem !== null) return { outcome: 'unknown', message: `${fault}: ${problem.text}` };
  if (during.requests === 0)
    return { outcome: 'unknown', message: `${fault}: nobody asked anything meanwhile` };
  const rates = { before: rateOf(before), during: rateOf(during) };
  const seen = `${fault}: ${during.failed} of ${during.requests} requests failed (${percent(rates.during)}, before ${percent(rates.before)})`;
  if (rates.during - rates.before <= toleratedErrorRate) return { outcome: 'pass', message: seen };
  return { outcome: 'fail', message: `${seen}, expected: ${expectation}` };
}

function rateOf({ requests, failed }: RequestShare): number {
  return requests === 0 ? 0 : failed / requests;
}
