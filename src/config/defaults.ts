import type { ExamModeMechanism, Thresholds } from '../lifecycle/environment.ts';
import type { EnvironmentConfig } from './settings.ts';

/** Limits of the exam-day procedures: p95 below 500 ms, errors below 1 %, pool below 80 %. */
export const defaultThresholds: Thresholds = { p95Ms: 500, errorRate: 0.01, dbPool: 0.8 };

/** The system flag is the only mechanism that code of a known revision reads. */
export const defaultExamMode: readonly ExamModeMechanism[] = [{ kind: 'system-flag' }];

/** Outlasts a rehearsal day's load phases; the platform's own tokens end after 15 minutes. */
export const defaultTokenLifetime = '4h';

/** Beside examctl.yaml, so that a team shares it by version control. */
export const defaultBaselineFile = 'integrity-baseline.json';

export const sandboxName = 'sandbox';

export function builtInSandbox(thresholds: Thresholds = defaultThresholds): EnvironmentConfig {
  return {
    name: sandboxName,
    platform: 'exam-platform',
    protected: false,
    driver: { kind: 'sandbox' },
    services: {},
    api: undefined,
    database: undefined,
    cache: undefined,
    examMode: defaultExamMode,
    identities: undefined,
    thresholds,
    builtIn: true,
    origins: {},
  };
}
