import type { Environment } from '../../lifecycle/environment.ts';
import { ConfigError, Refused, Undetermined } from '../../lifecycle/errors.ts';
import type { Check } from '../check.ts';
import type { CheckCatalogue } from '../index.ts';
import { planOf, withSettings } from '../lint/plan.ts';
import { abortable } from '../server/abortable.ts';
import { missingRevision, serverState } from '../server/server-state.ts';
import { onSnapshot } from '../server/snapshot.ts';
import { findingsStatement, whyNotSent } from './statement.ts';
import { reasonOf } from './statement-error.ts';

/** How the database would answer a check, or why that is not known. */
export type CheckPlan =
  | {
      readonly outcome: 'pass';
      readonly environment: string;
      /** in the planner's unit */
      readonly cost: number;
      /** findings, as the planner guesses */
      readonly rows: number;
      /** it was carried out, and the text says how long each part took */
      readonly analyzed: boolean;
      /** lines of EXPLAIN */
      readonly text: readonly string[];
    }
  | {
      readonly outcome: 'unknown' | 'skipped';
      readonly environment: string | null;
      readonly reason: string;
      readonly hint?: string;
    };

export interface ExplainOptions {
  readonly environment: Pick<Environment, 'name' | 'withPostgres' | 'platform'>;
  readonly catalogue: Pick<CheckCatalogue, 'views'>;
  /** carry it out, and tell how long each part took */
  readonly analyze: boolean;
  readonly signal: AbortSignal;
}

/** Milliseconds, as for a check that runs. */
const statementTimeout = 60_000;

/** Throws Refused when it is to be carried out while students are in exams. */
export async function explainPlan(check: Check, options: ExplainOptions): Promise<CheckPlan> {
  const { environment, signal } = options;
  try {
    const broken = whyNotSent(check);
    if (broken !== null) throw broken;
    return await planOnServer(check, options);
  } catch (error) {
    if (signal.aborted || !isAboutTheServer(error)) throw error;
    const { hint } = error as { hint?: string };
    const found = { outcome: 'unknown' as const, environment: environment.name, reason: reasonOf(error) };
    return hint === undefined ? found : { ...found, hint };
  }
}

function planOnServer(
  check: Check,
  { environment, catalogue, analyze, signal }: ExplainOptions,
): Promise<CheckPlan> {
  const { withPostgres, platform, name } = environment;
  return onSnapshot({ withPostgres, statementTimeout }, async ({ postgres }) => {
    const query = <Row>(text: string, values?: readonly unknown[]) =>
      abortable(postgres.query<Row>(text, values), signal);
    const server = await abortable(serverState(postgres, platform), signal);
    const missing = missingRevision(check, server);
    if (missing !== null) throw missing;
    if (analyze) refuseDuringExams(check, name, server.sessionsInProgress);
    const statement = findingsStatement(check, {
      views: catalogue.views,
      facts: platform.integrity,
      scope: null,
      schemas: server.schemas,
      samples: 0,
      accepted: new Map(),
    });
    const plan = await planOf({ query }, statement);
    const { rows } = await withSettings({ query }, statement, () =>
      query<{ 'QUERY PLAN': string }>(
        `EXPLAIN ${analyze ? '(ANALYZE, BUFFERS) ' : ''}${statement.text}`,
        statement.values,
      ),
    );
    return {
      outcome: 'pass',
      environment: name,
      cost: plan['Total Cost'],
      rows: plan['Plan Rows'],
      analyzed: analyze,
      text: rows.map((row) => row['QUERY PLAN']),
    };
  });
}

function refuseDuringExams({ id }: Check, environment: string, inProgress: number | null): void {
  if (inProgress === 0) return;
  const why =
    inProgress === null
      ? `whether students are in exams on ${environment} could not be asked`
      : `${inProgress} ${inProgress === 1 ? 'student is' : 'students are'} in exams on ${environment}`;
  throw new Refused(`--analyze carries ${id} out, and ${why}`, {
    hint: `the plan without it loads nothing: examctl integrity explain ${id}`,
  });
}

/** Unreachable, not permitted, not configured, or an error that PostgreSQL gave a code. */
function isAboutTheServer(error: unknown): boolean {
  if (error instanceof Undetermined || error instanceof ConfigError) return true;
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);
}
