import { ExamctlError, isExpected, messageOf } from '../lifecycle/errors.ts';
import type { Outcome, OutcomeRecord } from '../lifecycle/outcome.ts';

/** What was asked for, or why it could not be had. */
export type Attempt<T> = { readonly value: T } | { readonly problem: string; readonly hint?: string };

/** Turns "could not be asked" into data, so that one silent part leaves the other probes standing. Bugs and aborts still throw. */
export async function attempt<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<Attempt<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    signal?.throwIfAborted();
    if (!isExpected(error)) throw error;
    const hint = error instanceof ExamctlError ? error.hint : undefined;
    return { problem: messageOf(error), ...(hint === undefined ? {} : { hint }) };
  }
}

export function had<T>(attempted: Attempt<T>): T | undefined {
  return 'value' in attempted ? attempted.value : undefined;
}

/** What a probe is: known before it is made, whatever comes out. */
export interface ProbeTitle {
  readonly id: string;
  readonly title: string;
}

export function outcomeOf(
  probe: ProbeTitle,
  outcome: Outcome,
  message: string,
  hint?: string,
): OutcomeRecord {
  return { id: probe.id, title: probe.title, outcome, message, ...(hint === undefined ? {} : { hint }) };
}

/** Judges what was had; what could not be had is `unknown`, with the reason. */
export function judged<T>(
  probe: ProbeTitle,
  attempted: Attempt<T>,
  judge: (value: T) => OutcomeRecord,
): OutcomeRecord {
  if ('problem' in attempted) return outcomeOf(probe, 'unknown', attempted.problem, attempted.hint);
  return judge(attempted.value);
}
