import { planExamModeOn } from '../../exam-mode/plan-exam-mode.ts';
import { verifyExamMode } from '../../probes/exam-mode.ts';
import type { Phase, RehearsalContext } from '../ports.ts';

export const freezePhase: Phase = {
  id: 'freeze',
  title: 'Freeze: exam mode on, proven on every worker',
  seconds: () => 14,
  rehearse: async ({ environment, evidence, run, progress, frozenChanges }) => {
    frozenChanges.push(...(await run.perform(await planExamModeOn(environment))));
    const verification = await verifyExamMode(environment, {
      expected: 'on',
      signal: run.signal,
      onProgress: (text) => progress.update(text),
    });
    evidence.examModeOn = verification;
    const bad = verification.outcomes.filter(({ outcome }) => outcome === 'fail' || outcome === 'unknown');
    return bad.length === 0
      ? `${verification.outcomes.length} probes: exam mode is on`
      : bad.map(({ title, message }) => `${title}: ${message}`).join('; ');
  },
};

/** At the end: what was on before is on again, and behaves so. The changes themselves are reverted by the run. */
export async function proveThaw({ environment, evidence, run, progress }: RehearsalContext): Promise<void> {
  evidence.examModeOff = await verifyExamMode(environment, {
    expected: 'off',
    signal: run.signal,
    onProgress: (text) => progress.update(text),
  });
}
