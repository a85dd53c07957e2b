import type { Environment } from '../lifecycle/environment.ts';
import { valueAt } from './answer-body.ts';
import { type Attempt, attempt, had } from './attempt.ts';
import { backendTargets } from './backend-targets.ts';
import { driftBetween, type ExamModeBehaviour } from './exam-mode-drift.ts';
import {
  type FlagRow,
  isTrue,
  lastToggle,
  readFlag,
  readVariable,
  type ToggleRecord,
} from './exam-mode-flag.ts';
import type { GateReading } from './exam-mode-gate.ts';
import { askAt, gateContext } from './exam-mode-operations.ts';
import { askSentinel, behaviourOf } from './exam-mode-workers.ts';

export interface ExamModeStatus {
  /** what the workers do; the only thing that counts */
  readonly behaviour: ExamModeBehaviour;
  readonly workers: readonly {
    readonly target: string;
    readonly gate: GateReading['gate'];
    readonly seen: string;
  }[];
  readonly flag: FlagRow | null | undefined;
  /** what the API's own status says, and where it has it from */
  readonly api: { readonly enabled: boolean; readonly source: string | null } | undefined;
  /** the environment variable of the running service */
  readonly variable:
    | { readonly name: string; readonly value: string | null; readonly on: boolean }
    | undefined;
  /** who toggled it last, as the platform has it on record */
  readonly lastToggle: ToggleRecord | null | undefined;
  /** disagreements between variable, flag, record and behaviour */
  readonly drift: readonly string[];
  /** what could not be looked at, and why; the member is undefined then */
  readonly problems: readonly string[];
  /** seconds for which a worker may still answer from before the last change; 0: all caches are newer */
  readonly settlesIn: number;
}

/** A cheap look: one blocked operation on each worker, four small queries, one API call. */
export async function examModeStatus(
  environment: Environment,
  { signal = new AbortController().signal }: { signal?: AbortSignal } = {},
): Promise<ExamModeStatus> {
  const facts = environment.platform.examMode;
  const targets = await backendTargets(environment, signal);
  const ask = { environment, targets, signal };
  const context = await gateContext(ask);
  const [readings, flag, toggle, variable, api] = await Promise.all([
    askSentinel({ ...ask, context }),
    attempt(() => readFlag(environment, facts.flag), signal),
    attempt(() => lastToggle(environment, facts.flag), signal),
    attempt(() => readVariable(environment), signal),
    askAt(ask, { id: 'edge', workers: 1 }, { method: 'GET', path: facts.toggle.path, as: 'admin' }),
  ]);
  const behaviour = behaviourOf(readings);
  const enabled = 'value' in api ? valueAt(api.value.body, 'enabled') : undefined;
  const source = 'value' in api ? valueAt(api.value.body, 'source') : undefined;
  const variableRead = had(variable);
  return {
    behaviour,
    workers: readings.map(({ target, reading }) => ({ target, ...reading })),
    flag: had(flag),
    api:
      typeof enabled === 'boolean'
        ? { enabled, source: typeof source === 'string' ? source : null }
        : undefined,
    variable:
      variableRead === undefined
        ? undefined
        : {
            name: variableRead.name,
            value: variableRead.value ?? null,
            on: variableRead.value !== undefined && isTrue(variableRead.value),
          },
    lastToggle: had(toggle),
    settlesIn: settlesIn(had(flag), behaviour, facts.cacheSeconds),
    drift: [...driftBetween({ variable, flag, behaviour }), ...unrecorded(flag, toggle)],
    problems: [
      ...problemsOf({
        flag,
        'audit log': toggle,
        API: api,
        // where no mechanism sets it, a variable that cannot be seen is no gap: nothing in the platform reads it
        ...(environment.examMode.some(({ kind }) => kind === 'env-file') ? { variable } : {}),
      }),
      ...('value' in api && typeof enabled !== 'boolean'
        ? [`API: GET ${facts.toggle.path} answers HTTP ${api.value.status}`]
        : []),
    ],
  };
}

function settlesIn(
  flag: FlagRow | null | undefined,
  behaviour: ExamModeBehaviour,
  cacheSeconds: number,
): number {
  if (flag === undefined || flag === null || behaviour === (flag.value ? 'on' : 'off')) return 0;
  return Math.max(0, Math.ceil(cacheSeconds + 1 - flag.ageMs / 1_000));
}

/** Seconds between the write of the flag and that of its record. */
const recordDelaySeconds = 5;

/** A flag that is younger than its last record was changed by SQL. */
export function unrecorded(flag: Attempt<FlagRow | null>, toggle: Attempt<ToggleRecord | null>): string[] {
  if (!('value' in flag) || !('value' in toggle) || flag.value === null) return [];
  // As migrated: never toggled, so nothing to be on record.
  if (toggle.value === null && !flag.value.value) return [];
  const recorded = toggle.value?.at.getTime() ?? 0;
  if (flag.value.updatedAt.getTime() - recorded <= recordDelaySeconds * 1_000) return [];
  return [
    `the flag was changed at ${flag.value.updatedAt.toISOString()} without a record in audit_log or switch_audit_log: by SQL`,
  ];
}

function problemsOf(attempts: Readonly<Record<string, Attempt<unknown>>>): string[] {
  return Object.entries(attempts).flatMap(([name, part]) =>
    'problem' in part ? [`${name}: ${part.problem}${part.hint === undefined ? '' : ` (${part.hint})`}`] : [],
  );
}
