import { z } from 'zod';
import type { Backend } from './backend.ts';
import { ApiError } from './errors.ts';
import type { FlagKey } from './flags.ts';

export const switchRequest = z.object({
  enabled: z.boolean(),
  reason: z.string().default(''),
  confirmation_phrase: z.string().default(''),
});

export const flagPhrases: Readonly<Record<FlagKey, { readonly on: string; readonly off: string }>> = {
  EXAM_MODE: { on: 'ENABLE EXAM MODE', off: 'DISABLE EXAM MODE' },
  FREEZE_UPDATES: { on: 'ENABLE FREEZE UPDATES', off: 'DISABLE FREEZE UPDATES' },
};

export function checkConfirmation(
  given: { reason: string; confirmation_phrase: string },
  phrase: string,
): void {
  if (given.reason.trim() === '') throw new ApiError(400, 'REASON_REQUIRED', 'A reason is required');
  if (given.confirmation_phrase !== phrase) {
    const details = { expected: phrase };
    throw new ApiError(400, 'INVALID_CONFIRMATION_PHRASE', 'Invalid confirmation phrase', { details });
  }
}

/** It stops the exam-mode switch, too. */
export async function refuseInAdminFreeze({ uncounted }: Backend): Promise<void> {
  const row = await uncounted.one<{ admin_freeze: boolean; freeze_reason: string | null }>(
    'SELECT admin_freeze, freeze_reason FROM admin_security_runtime WHERE id = 1',
  );
  if (row?.admin_freeze !== true) return;
  throw new ApiError(423, 'ADMIN_FREEZE', 'Admin changes are frozen', {
    details: { reason: row.freeze_reason },
  });
}

export type FlagChange = {
  readonly key: FlagKey;
  readonly value: boolean;
  readonly reason: string;
  readonly userId: string;
};

/** `record` is given the value before and says what to write about the change, in the same transaction. */
export async function changeFlag(
  { uncounted, flags }: Backend,
  { key, value, reason, userId }: FlagChange,
  record: (before: boolean) => { text: string; values: readonly unknown[] },
): Promise<void> {
  await uncounted.transaction(async (transaction) => {
    const [before] = await transaction.query<{ value: boolean }>(
      'SELECT value FROM system_flags WHERE key = $1 FOR UPDATE',
      [key],
    );
    await transaction.query(
      `INSERT INTO system_flags (key, value, updated_at, updated_by, reason) VALUES ($1, $2, now(), $3, $4)
       ON CONFLICT (key) DO UPDATE
         SET value = excluded.value, updated_at = now(), updated_by = excluded.updated_by, reason = excluded.reason`,
      [key, value, userId, reason],
    );
    const { text, values } = record(before?.value ?? false);
    await transaction.query(text, values);
    return { value: undefined };
  });
  await flags.refresh(key);
}
