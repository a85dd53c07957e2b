import type { CheckResult, CheckRun } from '../checks/check-run.ts';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
import { plainValue, schemaOf } from '../report/json.ts';
import type { IntegrityContext } from './integrity-context.ts';

/** Results of `integrity check`, kept in the state folder. */
export interface RunHistory {
  folder(environment: string): string;
  /** gives the id under which it is kept */
  save(environment: string, startedAt: Date, text: string): string;
  /** the latest first */
  ids(environment: string): string[];
  /** undefined when it is not kept */
  read(environment: string, id: string): string | undefined;
  /** a result that somebody keeps elsewhere */
  readFile(file: string): string | undefined;
}

/** A run as it is read back, with times as text. */
export type SavedRun = Omit<CheckRun, 'startedAt'> & { readonly startedAt: string };

const schema = schemaOf({ kind: 'integrity.check' });

/** Enough to compare findings one by one; a thousand runs of a thousand findings would fill a disk. */
const keptSamples = 100;

/** A full disk must not take the result with it. */
export function keepRun(
  run: CheckRun,
  { history, progress }: Pick<IntegrityContext, 'history' | 'progress'>,
): void {
  try {
    history.save(run.environment, run.startedAt, savedText(run));
  } catch (error) {
    progress.note(`warning: the result is not in the history: ${messageOf(error)}`);
  }
}

/** As --output json prints it; students that a run identified stay out of it. */
function savedText(run: CheckRun): string {
  const kept = (result: CheckResult) => ({
    ...result,
    samples: run.identified ? [] : result.samples.slice(0, keptSamples),
  });
  return `${JSON.stringify({ schema, ...run, outcomes: run.outcomes.map(kept) }, plainValue)}\n`;
}

/** The run of a text that `name` is known by; UsageError when it is none. */
export function parseSavedRun(text: string, name: string): SavedRun {
  try {
    const data = JSON.parse(text) as (SavedRun & { schema: unknown }) | null;
    if (data?.schema === schema && Array.isArray(data.outcomes)) return data;
  } catch {
    // said below, as of any other text
  }
  throw new UsageError(`${name} is no result of integrity check that this version reads`, {
    hint: 'such a file is made by: examctl integrity check -o json > before.json',
  });
}

export interface FoundRun {
  /** id, or path */
  readonly name: string;
  readonly run: SavedRun;
}

/** `latest`, `previous`, an id or the only one that begins so, or the path of a JSON file. */
export async function findRun(
  reference: string,
  environment: () => Promise<string>,
  history: RunHistory,
): Promise<FoundRun> {
  if (isPath(reference)) return fromFile(reference, history);
  return fromHistory(reference, await environment(), history);
}

function isPath(reference: string): boolean {
  return /[/\\]/.test(reference) || reference.endsWith('.json');
}

function fromFile(file: string, history: RunHistory): FoundRun {
  const text = history.readFile(file);
  if (text !== undefined) return { name: file, run: parseSavedRun(text, file) };
  throw new UsageError(`there is no file ${file}`, { hint: 'examctl integrity history shows the kept runs' });
}

function fromHistory(reference: string, environment: string, history: RunHistory): FoundRun {
  const id = idOf(reference, environment, history.ids(environment));
  const text = history.read(environment, id) ?? '';
  return { name: id, run: parseSavedRun(text, id) };
}

const places: Readonly<Record<string, number>> = { latest: 0, previous: 1 };

function idOf(reference: string, environment: string, ids: readonly string[]): string {
  const hint = `examctl integrity history -e ${environment} shows them`;
  const place = places[reference];
  if (place !== undefined) {
    const id = ids[place];
    if (id !== undefined) return id;
    const kept = ids.length === 0 ? 'no run is kept' : 'only one run is kept';
    throw new UsageError(`there is no ${reference} run of ${environment}: ${kept}`, {
      hint: 'examctl integrity check makes one',
    });
  }
  const similar = ids.filter((id) => id.startsWith(reference));
  const [only] = similar;
  if (only !== undefined && similar.length === 1) return only;
  const why =
    similar.length === 0 ? `there is no run "${reference}"` : `"${reference}" fits ${similar.length} runs`;
  throw new UsageError(`${why} of ${environment}`, { hint });
}

/** How many seconds a statement took in the last runs of the same scope. */
export function secondsBefore(
  environment: string,
  scope: string | null,
  { history }: Pick<IntegrityContext, 'history'>,
): (checks: readonly string[]) => number | undefined {
  const orNone = <T>(read: () => T[]): T[] => {
    try {
      return read();
    } catch {
      return [];
    }
  };
  const runs = orNone(() => history.ids(environment))
    .slice(0, recentRuns)
    .flatMap((id) => orNone(() => [parseSavedRun(history.read(environment, id) ?? '', id)]));
  const statements = runs.filter((run) => run.scope === scope).flatMap((run) => run.statements);
  return (checks) => {
    const same = statements.find((one) => one.checks.join() === checks.join());
    return same === undefined ? undefined : same.durationMs / 1000;
  };
}

const recentRuns = 20;
