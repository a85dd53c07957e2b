import type { OutcomeRecord } from '../../lifecycle/outcome.ts';
import type { IntegrityFacts } from '../../lifecycle/platform.ts';
import { checksFrom, viewsFrom } from '../checks-from.ts';
import type { PackagedSql } from '../index.ts';
import { type CheckFile, type LintedFile, lintFile, withoutVain } from './lint-file.ts';
import { lintOnServer, type ServerFrame } from './lint-on-server.ts';
import type { TableSizes } from './plan.ts';
import type { LintProblem } from './problem.ts';

export interface LintOptions {
  readonly files: readonly CheckFile[];
  /** those that run beside them, linted or not: ids must differ from theirs */
  readonly others: readonly CheckFile[];
  readonly packaged: PackagedSql;
  readonly facts: IntegrityFacts;
  /** null: only what the files themselves tell */
  readonly server: Pick<ServerFrame, 'environment' | 'signal'> | null;
}

export interface LintResult {
  /** whose database was asked; null: none */
  readonly environment: string | null;
  readonly files: readonly LintedFile[];
  /** what could not be looked at on the server, and why */
  readonly open: readonly OutcomeRecord[];
  readonly sizes: TableSizes;
}

/** Finds what is wrong with check files, all of it at once. */
export async function lintChecks(options: LintOptions): Promise<LintResult> {
  const { files, others, packaged, facts, server } = options;
  const views = viewsFrom(packaged.views);
  const counted = checksFrom(packaged.checks)
    .filter(({ severity }) => severity === 'info')
    .flatMap(({ columns }) => columns.map(({ name }) => name));
  const frame = { facts, views, counted, filesOf: filesById([...files, ...others]) };
  const linted = files.map((file) => lintFile(file, frame));
  if (server === null) return { environment: null, files: linted, open: [], sizes: new Map() };

  const windows = new Map(packaged.windows.map(({ header, sql }) => [header.get('id')?.value ?? '', sql]));
  const asked = linted.filter(({ problems }) => problems.every(maySend));
  const { problems, open, sizes } = await lintOnServer(asked, { ...server, views, windows });
  const all = linted.map((file) => ({
    ...file,
    problems: withoutVain(
      [...file.problems, ...problems.filter((problem) => problem.file === file.file)].sort(
        (a, b) => a.line - b.line,
      ),
    ),
  }));
  return { environment: server.environment.name, files: all, open, sizes };
}

/** What is more than a SELECT is never sent, not even to be planned. */
function maySend({ key, severity, code }: LintProblem): boolean {
  return key !== 'statement' || severity === 'warn' || code === 'qualified-table';
}

function filesById(files: readonly CheckFile[]): Map<string, string[]> {
  const byId = new Map<string, string[]>();
  for (const { file, header } of files) {
    const id = header.get('id')?.value ?? '';
    byId.set(id, [...new Set([...(byId.get(id) ?? []), file])]);
  }
  return byId;
}
