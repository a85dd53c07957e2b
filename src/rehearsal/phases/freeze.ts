import { planExamModeOn } from '../../exam-mode/plan-exam-mode.ts';
import type { Environment } from '../../lifecycle/environment.ts';
import { OperationFailed } from '../../lifecycle/errors.ts';
import type { Run } from '../../lifecycle/run.ts';
import { type ExamModeVerification, verifyExamMode } from '../../probes/exam-mode.ts';
import type { Phase, RehearsalContext } from '../ports.ts';

export const freezePhase: Phase = {
  id: 'freeze',
  title: 'Freeze: exam mode on, proven on every worker',
  seconds: () => 14,
  parts: () => [
    {
      operation: 'exam-mode on',
      title: 'Exam mode on, background jobs off',
      effect: 'heavy operations of administrators are refused; undone before the end',
    },
  ],
  rehearse: async ({ environment, evidence, run, progress, frozen, walkers }) => {
    const refusal = await freeze(environment, run, frozen);
    if (refusal !== undefined) {
      evidence.examModeOn = refusal;
      return refusal.outcomes.map(({ message }) => message).join('; ');
    }
    const verification = await verifyExamMode(environment, {
      expected: 'on',
      students: walkers.freeze,
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

/** A platform that cannot be frozen is a finding: the rehearsal goes on, and the gate says so. */
async function freeze(
  environment: Environment,
  run: Run,
  frozen: RehearsalContext['frozen'],
): Promise<ExamModeVerification | undefined> {
  const startedAt = new Date();
  try {
    const plan = await planExamModeOn(environment);
    frozen.examModeWas = plan.changes.some(({ apply }) => apply.kind === 'exam-mode-set') ? 'off' : 'on';
    frozen.changes.push(...(await run.perform(plan)));
    return undefined;
  } catch (error) {
    if (!(error instanceof OperationFailed) || error.exitCode !== 5) throw error;
    const outcome = {
      id: 'exam-mode-on',
      title: 'exam mode can be switched on',
      outcome: 'fail',
      message: error.message,
    } as const;
    return {
      expected: 'on',
      outcome: 'fail',
      outcomes: [outcome],
      startedAt,
      finishedAt: new Date(),
      requests: 0,
    };
  }
}

/** At the end: what was on before is on again, and behaves so. The changes themselves are reverted by the run. */
export async function proveThaw({
  environment,
  evidence,
  run,
  progress,
  frozen,
  walkers,
}: RehearsalContext): Promise<void> {
  evidence.examModeOff = await verifyExamMode(environment, {
    expected: frozen.examModeWas,
    students: walkers.thaw,
    signal: run.signal,
    onProgress: (text) => progress.update(text),
  });
}
