import { Command } from 'commander';
import { lintChecks } from '../checks/lint/lint-checks.ts';
import type { CheckFile } from '../checks/lint/lint-file.ts';
import { UsageError } from '../lifecycle/errors.ts';
import type { CheckFiles, IntegrityContext } from './integrity-context.ts';
import { lintReport } from './integrity-lint-report.ts';
import { declare } from './traits.ts';

export interface LintCommandOptions {
  readonly packaged?: boolean;
  readonly offline?: boolean;
}

type LintContext = Pick<
  IntegrityContext,
  'checkFiles' | 'openEnvironment' | 'report' | 'progress' | 'signal'
>;

export function integrityLintCommand(context: LintContext): Command {
  return declare(new Command('lint'), { judges: true })
    .argument('[files...]', 'files or folders; default: checks.folder of examctl.yaml')
    .description('find what is wrong with check files: header, statement, columns, plan')
    .option('--packaged', 'those that come with examctl, too')
    .option('--offline', 'ask no database: only what the files themselves tell')
    .addHelpText(
      'after',
      `
The database of the environment plans each check in a READ ONLY transaction, and carries none out. Plans are judged by
its statistics, so ask one of the size of production.

Examples:
  examctl integrity lint -e staging
  examctl integrity lint --offline ops/checks/late-starts.sql
  examctl integrity lint --offline -o junit > lint.xml

Exit codes: 0 no error (there may be warnings), 1 an error, 3 the database could not be asked.`,
    )
    .action((files: string[], options: LintCommandOptions) => runIntegrityLint(files, options, context));
}

export async function runIntegrityLint(
  paths: readonly string[],
  { packaged = false, offline = false }: LintCommandOptions,
  context: LintContext,
): Promise<void> {
  const { progress, signal } = context;
  const files = await context.checkFiles();
  const own = await files.own();
  const shipped = await readAll(
    [...files.packaged.checks, ...files.packaged.classic].map(({ file }) => file),
    files,
  );
  const corrected = shipped.slice(0, files.packaged.checks.length);
  const wanted = paths.length > 0 ? await readAll(paths, files) : own;
  const linted = unique([...wanted, ...(packaged ? corrected : [])]);
  if (linted.length === 0) throw nothingToLint(files);

  const environment = offline ? null : await context.openEnvironment();
  if (environment !== null) progress.start(`asking ${environment.name} how it would answer`);
  const result = await lintChecks({
    files: linted,
    others: [...own, ...shipped],
    packaged: files.packaged,
    facts: environment?.platform.integrity ?? files.platform.integrity,
    server: environment === null ? null : { environment, signal },
  });
  if (environment !== null) progress.done();
  await context.report(lintReport(result));
}

async function readAll(paths: readonly string[], files: CheckFiles): Promise<CheckFile[]> {
  return (await Promise.all(paths.map((path) => files.read(path)))).flat();
}

function unique(files: readonly CheckFile[]): CheckFile[] {
  return [...new Map(files.map((file) => [file.file, file])).values()];
}

function nothingToLint({ ownFolder, configFile }: CheckFiles): UsageError {
  if (ownFolder !== undefined)
    return new UsageError(`there is no check in ${ownFolder}`, {
      hint: 'make one with: examctl integrity new ID; those that come with examctl: --packaged',
    });
  const place = configFile === undefined ? 'there is no examctl.yaml' : `${configFile} has no checks.folder`;
  return new UsageError(`there is nothing to lint: ${place}`, {
    hint: 'name files or folders, or --packaged for the checks that come with examctl',
  });
}
