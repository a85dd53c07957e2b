import type { Postgres } from '../../lifecycle/environment.ts';
import { Refused, Undetermined, UsageError } from '../../lifecycle/errors.ts';
import type { Check } from '../check.ts';
import type { CheckResult, CheckRun } from '../check-run.ts';
import { type RunChecksOptions, runChecks } from '../running/run-checks.ts';
import { selectChecks } from '../select-checks.ts';
import { abortable } from '../server/abortable.ts';
import { keysStatement, type StatementContext } from '../statements/statement.ts';
import { isAboutTheStatement, reasonOf } from '../statements/statement-error.ts';

/** Findings of one check that may be accepted: what is more than this is no exception. */
export const mostAccepted = 10_000;

export interface FoundKeys {
  readonly run: CheckRun;
  /** by check; those that could not be made are not in it */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
  readonly notMade: readonly CheckResult[];
}

type Options = Pick<RunChecksOptions, 'environment' | 'mayGoOn' | 'catalogue' | 'signal'> & {
  readonly only: readonly string[];
};

/** The keys of all that these checks find now; Refused when it is too much to be accepted. */
export async function allKeys(options: Options): Promise<FoundKeys> {
  const checks = selectChecks(options.catalogue, options);
  const counting = checks.find(({ severity }) => severity === 'info');
  if (counting !== undefined)
    throw new UsageError(`${counting.id} only counts: it has no findings to accept`, {
      hint: 'examctl integrity list shows the severity of each check',
    });
  return keysOf(options, checks, (check, findings) => {
    if (findings > mostAccepted) throw tooMany(check, findings);
    return null;
  });
}

/** Those of these keys that are still found. `wanted`: keys by check. */
export async function stillFound(
  options: Omit<Options, 'only'>,
  wanted: ReadonlyMap<string, readonly string[]>,
): Promise<FoundKeys> {
  const all = { ...options, only: [...wanted.keys()] };
  return keysOf(all, selectChecks(options.catalogue, all), ({ id }) => wanted.get(id) ?? []);
}

/** On one snapshot: the checks as in any run, then the keys of those that found something. */
async function keysOf(
  options: Options,
  checks: readonly Check[],
  wantedOf: (check: Check, findings: number) => readonly string[] | null,
): Promise<FoundKeys> {
  const keys = new Map<string, ReadonlySet<string>>();
  let failure: { readonly error: unknown } | undefined;
  const read = async (postgres: Postgres, results: readonly CheckResult[], context: StatementContext) => {
    for (const { id, findings } of results) {
      const check = checks.find((one) => one.id === id);
      if (check === undefined || findings === null) continue;
      const wanted = wantedOf(check, findings);
      const { text, values } = keysStatement(check, context, wanted);
      const { rows } =
        findings === 0
          ? { rows: [] }
          : await abortable(postgres.query<{ key: string }>(text, values), options.signal);
      keys.set(id, new Set(rows.map(({ key }) => key)));
    }
  };
  const run = await runChecks({
    ...options,
    samples: 0,
    students: 'identified',
    // A run calls what it could not look at unknown; here it must not pass for an empty answer.
    afterwards: (postgres, { outcomes }, context) =>
      read(postgres, outcomes, context).catch((error: unknown) => {
        failure = { error };
      }),
  });
  if (failure !== undefined) throw explained(failure.error);
  return { run, keys, notMade: run.outcomes.filter(({ id }) => !keys.has(id)) };
}

/** Without values of rows, which the server quotes. */
function explained(error: unknown): unknown {
  if (error instanceof Undetermined || !isAboutTheStatement(error)) return error;
  return new Undetermined(`the findings could not be read: ${reasonOf(error)}`, {
    hint: 'examctl integrity check says which checks can be made',
    cause: error,
  });
}

function tooMany({ id }: Check, findings: number): Refused {
  const amount = findings.toLocaleString('en-GB');
  return new Refused(
    `${id} has ${amount} findings; at most ${mostAccepted.toLocaleString('en-GB')} of a check can be accepted`,
    { hint: `mend them, or raise its limit in examctl.yaml: checks.thresholds.${id}` },
  );
}
