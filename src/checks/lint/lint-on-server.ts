import type { Environment } from '../../lifecycle/environment.ts';
import { ConfigError, messageOf, Undetermined } from '../../lifecycle/errors.ts';
import type { OutcomeRecord } from '../../lifecycle/outcome.ts';
import type { SqlView } from '../check.ts';
import { abortable } from '../server/abortable.ts';
import { missingRevision, serverState } from '../server/server-state.ts';
import { onSnapshot, recover } from '../server/snapshot.ts';
import type { Asked } from './asked.ts';
import { columnProblems, volatileFunctions } from './column-problems.ts';
import type { LintedFile } from './lint-file.ts';
import { mistakeOf, sqlStateOf } from './mistake.ts';
import type { TableSizes } from './plan.ts';
import { planProblems } from './plan-problems.ts';
import type { FoundProblem, LintProblem } from './problem.ts';

export interface ServerFrame {
  readonly environment: Pick<Environment, 'name' | 'withPostgres' | 'platform'>;
  readonly views: readonly SqlView[];
  /** statements that give the ids of sessions, by their name */
  readonly windows: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

export interface ServerLint {
  readonly problems: readonly LintProblem[];
  /** what could not be looked at, or needs a later revision */
  readonly open: readonly OutcomeRecord[];
  /** of the tables that the checks read: the plans were judged by these */
  readonly sizes: TableSizes;
}

/** Milliseconds for each statement; none of them reads a table of the platform. */
const statementTimeout = 10_000;

/** Asks the database how it would answer each check; none is carried out. */
export async function lintOnServer(
  files: readonly LintedFile[],
  { environment, views, windows, signal }: ServerFrame,
): Promise<ServerLint> {
  const problems: LintProblem[] = [];
  const open: OutcomeRecord[] = [];
  const sizes = new Map<string, number | null>();
  const { withPostgres, platform, name } = environment;
  try {
    await onSnapshot({ withPostgres, statementTimeout }, async ({ postgres }) => {
      let sent = '';
      const query = <Row>(text: string, values?: readonly unknown[]) => {
        sent = text;
        return abortable(postgres.query<Row>(text, values), signal);
      };
      const server = await abortable(serverState(postgres, platform), signal);
      const context = {
        views,
        facts: platform.integrity,
        schemas: server.schemas,
        samples: 20,
        accepted: new Map(),
      };
      for (const file of files) {
        const { check } = file;
        if (check === null) continue;
        const missing = missingRevision(check, server);
        if (missing !== null) {
          open.push(skipped(file, missing));
          continue;
        }
        const asked: Asked = { query, file, check, context, server, windows, environment: name, sizes };
        try {
          problems.push(
            ...(await problemsOnServer(asked)).map((problem) => ({ ...problem, file: file.file })),
          );
        } catch (error) {
          if (sqlStateOf(error) === undefined) throw error;
          await recover(postgres);
          const problem = mistakeOf(error, sent, asked);
          if (problem === null) open.push(unknown(file.file, error));
          else problems.push({ ...problem, file: file.file });
        }
      }
    });
  } catch (error) {
    if (signal.aborted || !(error instanceof Undetermined || error instanceof ConfigError)) throw error;
    open.push(unknown(`the checks on ${name}`, error));
  }
  return { problems, open, sizes };
}

async function problemsOnServer(asked: Asked): Promise<FoundProblem[]> {
  const ofColumns = await columnProblems(asked);
  const others = await volatileFunctions(asked);
  // Without its columns the statement of the run cannot be planned.
  const isWhole = ofColumns.every(({ severity }) => severity !== 'error');
  return [...ofColumns, ...others, ...(isWhole ? await planProblems(asked) : [])];
}

function skipped({ file }: LintedFile, reason: Undetermined): OutcomeRecord {
  return outcome('skipped', file, reason);
}

function unknown(title: string, reason: unknown): OutcomeRecord {
  return outcome('unknown', title, reason);
}

function outcome(kind: 'skipped' | 'unknown', title: string, reason: unknown): OutcomeRecord {
  const { hint } = (reason ?? {}) as { hint?: string };
  return {
    id: 'database',
    title,
    outcome: kind,
    message: messageOf(reason),
    ...(hint === undefined ? {} : { hint }),
  };
}
