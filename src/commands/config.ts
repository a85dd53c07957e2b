import { Command } from 'commander';
import { configJsonSchema, readConfig } from '../config/load.ts';
import { formatProblem, inFileOrder, type LocatedProblem } from '../config/problem.ts';
import type { CheckSettings, Config, Variables } from '../config/settings.ts';
import { UsageError } from '../lifecycle/errors.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Block } from '../report/report.ts';
import type { Context } from './context.ts';
import { declare } from './traits.ts';

/** What reading the configuration takes, in addition to Context. */
export interface ConfigSourceContext {
  readonly cwd: string;
  readonly env: Variables;
  /** --config */
  readonly file?: string | undefined;
}

type ConfigContext = Pick<Context, 'report'> &
  ConfigSourceContext & {
    /** what only who has the checks can say of a configuration */
    checkSettingsProblems(settings: CheckSettings): Promise<readonly LocatedProblem[]>;
  };

export function configCommand(context: ConfigContext) {
  const command = new Command('config')
    .description('check and describe the configuration file')
    .addHelpText(
      'after',
      '\nExamples:\n  examctl config check\n  examctl config schema > examctl.schema.json',
    );
  declare(command.command('check'), { judges: true })
    .description('name every problem of examctl.yaml, with its line; exit code 2 when there is one')
    .addHelpText(
      'after',
      '\nExamples:\n  $ examctl config check\n  $ examctl config check -c infra/examctl.yaml -o junit > config.xml',
    )
    .action(() => runConfigCheck({}, context));
  command
    .command('schema')
    .description('print the JSON Schema of examctl.yaml, for editors')
    .addHelpText(
      'after',
      '\nExamples:\n  $ examctl config schema > examctl.schema.json\n' +
        '  then begin examctl.yaml with: # yaml-language-server: $schema=examctl.schema.json',
    )
    .action(() => runConfigSchema({}, context));
  return command;
}

export async function runConfigCheck(
  _options: object,
  { cwd, file, env, report, checkSettingsProblems }: ConfigContext,
) {
  const result = await readConfig({ cwd, file, env });
  if (result.config !== undefined && result.config.file === undefined) {
    throw new UsageError(`there is nothing to check: no examctl.yaml in ${cwd} or above it`, {
      hint: 'give one with --config FILE; without any, examctl operates the built-in sandbox',
    });
  }
  const settings = result.config ?? result.checks;
  const ofChecks = settings === undefined ? [] : await checkSettingsProblems(settings);
  const problems = inFileOrder([...result.problems, ...ofChecks]);
  const config = problems.length === 0 ? result.config : undefined;
  const warnings = config?.warnings ?? [];
  await report({
    kind: 'config.check',
    data: {
      valid: config !== undefined,
      file: result.config === undefined ? result.file : result.config.file,
      problems,
      warnings,
    },
    rows: [...problems, ...warnings],
    outcomes: config === undefined ? problems.map(outcomeOf('fail')) : outcomesOfValid(config),
    blocks: config === undefined ? problemBlocks(problems) : validBlocks(config),
    exitCode: problems.length === 0 ? 0 : 2,
  });
}

export async function runConfigSchema(_options: object, { report }: Pick<ConfigContext, 'report'>) {
  const schema = await configJsonSchema();
  await report({
    kind: 'config.schema',
    data: schema,
    blocks: [{ type: 'code', text: JSON.stringify(schema, null, 2) }],
  });
}

function outcomeOf(outcome: 'fail' | 'warn') {
  return (problem: LocatedProblem): OutcomeRecord => ({
    id: problem.code,
    title: `${problem.file}:${problem.line}:${problem.column} ${problem.path}`.trimEnd(),
    outcome,
    message: problem.message,
    ...(problem.hint !== undefined && { hint: problem.hint }),
    at: { file: problem.file, line: problem.line, column: problem.column },
  });
}

function outcomesOfValid(config: Config): OutcomeRecord[] {
  const valid: OutcomeRecord = {
    id: 'config-valid',
    title: 'the configuration is valid',
    outcome: 'pass',
    message: summaryOf(config),
  };
  return [valid, ...config.warnings.map(outcomeOf('warn'))];
}

function summaryOf({ file, environments }: Config): string {
  const names = environments.filter(({ builtIn }) => !builtIn).map(({ name }) => name);
  if (names.length === 0) return `${file} with the built-in sandbox`;
  return `${file} with ${names.length === 1 ? 'environment' : 'environments'} ${names.join(', ')}`;
}

/** Unwrapped lines: editors and CI find file:line:column in them. */
function problemBlocks(problems: readonly LocatedProblem[]): Block[] {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return [
    { type: 'code', text: problems.map(formatProblem).join('\n') },
    { type: 'text', text: `${count}; nothing was done` },
  ];
}

function validBlocks(config: Config): Block[] {
  const warnings = config.warnings.map((warning) => `warning: ${formatProblem(warning)}`);
  const summary = `valid: ${summaryOf(config)}`;
  return [{ type: 'code', text: [...warnings, summary].join('\n') }];
}
