import type { Postgres } from '../../lifecycle/environment.ts';
import type { Pseudonymiser } from '../../lifecycle/pseudonym.ts';
import type { Check } from '../check.ts';
import type { CheckRun, Finding } from '../check-run.ts';
import { findingsOf, type Row } from '../findings.ts';
import { abortable } from '../server/abortable.ts';
import { apply, recover } from '../server/snapshot.ts';
import { findingsStatement, type StatementContext } from '../statements/statement.ts';
import { isAboutTheStatement, reasonOf } from '../statements/statement-error.ts';

/** Rows that are in memory at a time. */
const batch = 500;

export interface StreamOptions {
  readonly checks: readonly Check[];
  readonly run: CheckRun;
  readonly context: StatementContext;
  readonly students: Pseudonymiser | 'identified';
  /** false: nobody reads them any more */
  readonly write: (check: Check, findings: readonly StreamedFinding[]) => Promise<boolean>;
  readonly signal: AbortSignal;
}

export interface StreamedFinding {
  readonly finding: Finding;
  readonly accepted: boolean;
}

export interface Streamed {
  readonly findings: number;
  /** why those of a check are not all there */
  readonly problems: readonly string[];
}

/** Reads all findings of a run one after another, on its own snapshot, however many there are. */
export async function streamFindings(
  postgres: Postgres,
  { checks, run, ...options }: StreamOptions,
): Promise<Streamed> {
  const problems: string[] = [];
  let findings = 0;
  for (const check of checks) {
    const count = run.outcomes.find(({ id }) => id === check.id)?.findings ?? 0;
    if (count === 0 || check.severity === 'info') continue;
    try {
      const { written, heard } = await streamCheck(postgres, check, options);
      findings += written;
      if (!heard) break;
    } catch (error) {
      if (options.signal.aborted || !isAboutTheStatement(error)) throw error;
      problems.push(`not all findings of ${check.id} could be read: ${reasonOf(error)}`);
      await recover(postgres);
    }
  }
  return { findings, problems };
}

async function streamCheck(
  postgres: Postgres,
  check: Check,
  { context, students, write, signal }: Omit<StreamOptions, 'checks' | 'run'>,
): Promise<{ written: number; heard: boolean }> {
  const query = <R>(text: string, values: readonly unknown[] = []) =>
    abortable(postgres.query<R>(text, values), signal);
  const { text, values, settings } = findingsStatement(check, context);
  // All of them are wanted, not the first ones soon.
  await apply(postgres, { ...settings, cursor_tuple_fraction: '1' });
  await query(`DECLARE examctl_findings NO SCROLL CURSOR FOR ${text}`, values);
  let written = 0;
  for (;;) {
    const { rows } = await query<{ finding: Row }>(`FETCH ${batch} FROM examctl_findings`);
    const found = rows.map(({ finding }) => finding);
    const shown = findingsOf(check, found, students).map((finding, index) => ({
      finding,
      accepted: found[index]?.examctl_known === true,
    }));
    if (shown.length > 0 && !(await write(check, shown))) return { written, heard: false };
    written += shown.length;
    if (found.length < batch) break;
  }
  // Closes the cursor, too.
  await recover(postgres);
  return { written, heard: true };
}
