import type { Attempt } from './attempt.ts';
import { type ExamModeVariable, type FlagRow, isTrue } from './exam-mode-flag.ts';

export type ExamModeBehaviour = 'on' | 'off' | 'mixed' | 'unknown';

export interface Seen {
  readonly variable: Attempt<ExamModeVariable>;
  readonly flag: Attempt<FlagRow | null>;
  readonly behaviour: ExamModeBehaviour;
}

/** Each disagreement between what is set, what is stored and what the workers do. Only behaviour is believed. */
export function driftBetween({ variable, flag, behaviour }: Seen): string[] {
  const drift: string[] = [];
  const row = 'value' in flag ? flag.value : undefined;
  const flagState = row === undefined ? undefined : row === null ? 'missing' : row.value ? 'on' : 'off';
  if (flagState !== undefined && behaviour !== 'unknown' && behaviour !== flagState) {
    drift.push(
      flagState === 'missing'
        ? `the flag has no row, the workers behave as ${behaviour}: they keep the last value until they restart`
        : `the flag is ${flagState}, the workers behave as ${behaviour}`,
    );
  }
  const { name, value } = 'value' in variable ? variable.value : { name: '', value: undefined };
  if (value !== undefined) {
    const variableState = isTrue(value) ? 'on' : 'off';
    const believed = behaviour === 'unknown' ? flagState : behaviour;
    if (believed !== undefined && believed !== variableState) {
      drift.push(
        `the variable ${name} is ${value}, exam mode is ${believed}: nothing in the platform reads the variable`,
      );
    }
  }
  return drift;
}
