import type { Environment } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { type Attempt, attempt, judged, outcomeOf } from './attempt.ts';
import { driftBetween, type Seen } from './exam-mode-drift.ts';
import { type AdminFreeze, type FlagRow, freezeText, readAdminFreeze, readFlag } from './exam-mode-flag.ts';
import type { ExamModeState } from './exam-mode-gate.ts';

const flagProbe = { id: 'exam-mode-flag', title: 'the exam-mode flag is as wanted' };
const adminFreezeProbe = { id: 'admin-freeze-off', title: 'the admin freeze is off' };
const freezeUpdatesProbe = { id: 'freeze-updates-off', title: 'FREEZE_UPDATES is off' };
const driftProbe = { id: 'exam-mode-drift', title: 'variable, flag and behaviour agree' };

export function judgeFlag(flag: Attempt<FlagRow | null>, expected: ExamModeState): OutcomeRecord {
  return judged(flagProbe, flag, (row) => {
    if (row === null) {
      return outcomeOf(
        flagProbe,
        expected === 'on' ? 'fail' : 'warn',
        'system_flags has no row EXAM_MODE; workers keep the last value that they read until they restart',
        `examctl exam-mode ${expected} writes the row`,
      );
    }
    const seen = `${row.value ? 'on' : 'off'} since ${row.updatedAt.toISOString()}, by ${row.updatedBy ?? 'nobody named'}, reason: ${row.reason ?? 'none'}`;
    if (row.value === (expected === 'on')) return outcomeOf(flagProbe, 'pass', seen);
    return outcomeOf(flagProbe, 'fail', seen, `examctl exam-mode ${expected}`);
  });
}

/** Switches that look alike and are not: one refuses the toggle of exam mode, one stops the answers of students. */
export async function probeNeighbours(
  environment: Environment,
  signal: AbortSignal,
): Promise<OutcomeRecord[]> {
  const { freezeFlag } = environment.platform.examMode;
  const [adminFreeze, freezeUpdates] = await Promise.all([
    attempt(() => readAdminFreeze(environment), signal),
    attempt(() => readFlag(environment, freezeFlag), signal),
  ]);
  return [
    judged(adminFreezeProbe, adminFreeze, judgeAdminFreeze),
    judged(freezeUpdatesProbe, freezeUpdates, judgeFreezeUpdates),
  ];
}

export function judgeAdminFreeze(freeze: AdminFreeze | null): OutcomeRecord {
  if (freeze?.frozen !== true) return outcomeOf(adminFreezeProbe, 'pass', 'off');
  return outcomeOf(
    adminFreezeProbe,
    'fail',
    `on, ${freezeText(freeze)}; exam mode cannot be toggled while it is on (423 ADMIN_FREEZE)`,
    'POST /admin/security/freeze {"freeze": false, "reason": ..., "confirmation_phrase": "SET ADMIN FREEZE"}',
  );
}

export function judgeFreezeUpdates(row: FlagRow | null): OutcomeRecord {
  if (row?.value !== true) return outcomeOf(freezeUpdatesProbe, 'pass', 'off');
  return outcomeOf(
    freezeUpdatesProbe,
    'fail',
    `on since ${row.updatedAt.toISOString()}: every answer and submit of students is refused (423)`,
    'POST /admin/system/freeze-updates with the phrase "DISABLE FREEZE UPDATES"',
  );
}

/** What was not read agrees with nothing. The variable counts where it is configured, or can be seen at all. */
export function judgeDrift(seen: Seen, { isConfigured }: { readonly isConfigured: boolean }): OutcomeRecord {
  const { flag, variable, behaviour } = seen;
  const unread = [
    ...('problem' in flag ? [`the flag was not read (${flag.problem})`] : []),
    ...(behaviour === 'unknown' ? ['what the workers do is not known'] : []),
    ...('problem' in variable ? [`the variable was not read (${variable.problem})`] : []),
  ];
  const drift = driftBetween(seen);
  if (drift.length > 0) {
    const hint = 'examctl exam-mode status shows each of them';
    return outcomeOf(driftProbe, 'warn', [...drift, ...unread].join('; '), hint);
  }
  if (unread.length === 0) return outcomeOf(driftProbe, 'pass', 'no drift');
  const onlyVariable = !('problem' in flag) && behaviour !== 'unknown';
  if (onlyVariable && !isConfigured) {
    const probe = { ...driftProbe, title: 'flag and behaviour agree' };
    return outcomeOf(
      probe,
      'pass',
      `no drift between them; no variable is configured, and ${unread.join('')}`,
    );
  }
  return outcomeOf(driftProbe, 'unknown', unread.join('; '));
}
