import type { ExamModeMechanism } from '../lifecycle/environment.ts';
import { OperationFailed, Undetermined } from '../lifecycle/errors.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { said } from '../lifecycle/redact.ts';
import { type ActionPorts, defineAction } from './action.ts';

export type ExamModeSet = {
  readonly kind: 'exam-mode-set';
  readonly mechanism: ExamModeMechanism['kind'];
  readonly enabled: boolean;
  /** what the variable was before, for the env-file mechanism: null is unset */
  readonly variable: {
    readonly service: 'backend';
    readonly name: string;
    readonly value: string | null;
    /** the same as its file has it, quotes and all */
    readonly written?: string | null;
  } | null;
};

/** Sets one mechanism of exam mode. Whether the platform obeys is for `exam-mode verify` to say. */
export const examModeSet = defineAction<ExamModeSet>({
  kind: 'exam-mode-set',
  describe: ({ mechanism, enabled, variable }) => {
    if (variable !== null)
      return `set ${variable.name}=${variable.value ?? '(unset)'} for ${variable.service} and recreate it`;
    return `set exam mode ${enabled ? 'on' : 'off'} by the ${mechanism === 'system-flag' ? 'API' : 'flag row in the database'}`;
  },
  apply: async (action, ports, signal) => {
    if (action.variable !== null) {
      const { service, name, value, written = value } = action.variable;
      return ports.environment.driver.setVariable(service, name, written ?? undefined, signal);
    }
    // a way back is taken only where something has to come back: the platform may refuse each request
    if ((await knownFlag(ports.environment)) === action.enabled) return;
    await (action.mechanism === 'system-flag'
      ? toggleByApi(action, ports, signal)
      : toggleBySql(action, ports));
  },
  verify: async (action, { environment }) => {
    if (action.variable !== null) {
      const { service, name, value, written = value } = action.variable;
      const seen = (await environment.driver.variable(service, name)) ?? null;
      const file = environment.driver.writtenVariable?.(service, name);
      // A file that had been edited without a recreate is as it was, and the service has what it says.
      const isAsWritten = written !== value && file !== undefined && (file.text ?? null) === written;
      return record(seen === value || isAsWritten, `${service} has ${name}=${seen ?? '(unset)'}`);
    }
    const flag = await readFlag(environment);
    return record(flag === action.enabled, `system_flags.${environment.platform.examMode.flag} is ${flag}`);
  },
});

function record(holds: boolean, message: string): OutcomeRecord {
  return {
    id: 'exam-mode-set',
    title: 'the exam-mode setting is stored',
    outcome: holds ? 'pass' : 'fail',
    message,
  };
}

async function toggleByApi(
  { enabled }: ExamModeSet,
  { environment, reason }: ActionPorts,
  signal: AbortSignal,
) {
  const { toggle } = environment.platform.examMode;
  const { status, body } = await environment.api.request({
    method: 'POST',
    path: toggle.path,
    as: 'admin',
    body: { enabled, reason, confirmation_phrase: enabled ? toggle.phraseOn : toggle.phraseOff },
    signal,
  });
  if (status === 200) return;
  const message = `POST ${toggle.path} answered ${status}: ${said(body)}`;
  throw new OperationFailed(message, { reverted: true, hint: refusalHint(status) });
}

function refusalHint(status: number): string {
  if (status === 423)
    return 'the admin freeze blocks the toggle: lift it first (POST /admin/security/freeze)';
  if (status === 404) return 'check api.url and api.base_path of the environment';
  if (status >= 500) return 'look at the log of the backend';
  return "the administrator's token is refused: set a fresh one (api.admin_token); they live 15 minutes";
}

/** Undefined: it cannot be read now. */
async function knownFlag(environment: ActionPorts['environment']): Promise<boolean | undefined> {
  try {
    return await readFlag(environment);
  } catch (error) {
    if (error instanceof Undetermined) return undefined;
    throw error;
  }
}

/** With the audit row that the API would have written, as a direct UPDATE leaves none; it was no administrator's login. */
const toggleSql = `
  WITH old AS (SELECT key, value FROM system_flags WHERE key = $1),
  new AS (
    INSERT INTO system_flags (key, value, updated_at, reason) VALUES ($1, $2, now(), $3)
    ON CONFLICT (key) DO UPDATE SET value = $2, updated_at = now(), updated_by = NULL, reason = $3 RETURNING value)
  INSERT INTO switch_audit_log (id, action_type, before, after, reason, created_at)
  SELECT gen_random_uuid(), 'FLAG_SET', jsonb_build_object('key', $1::text, 'value', (SELECT value FROM old)),
         jsonb_build_object('key', $1::text, 'value', new.value), $3, now() FROM new`;

async function toggleBySql({ enabled }: ExamModeSet, { environment, reason }: ActionPorts): Promise<void> {
  const { flag } = environment.platform.examMode;
  await environment.withPostgres((postgres) => postgres.query(toggleSql, [flag, enabled, reason]), {
    readOnly: false,
  });
}

async function readFlag({ withPostgres, platform }: ActionPorts['environment']): Promise<boolean> {
  const { rows } = await withPostgres((postgres) =>
    postgres.query<{ value: boolean }>('SELECT value FROM system_flags WHERE key = $1', [
      platform.examMode.flag,
    ]),
  );
  const value = rows[0]?.value;
  if (value === undefined) throw new Undetermined(`system_flags has no row ${platform.examMode.flag}`);
  return value;
}
