import { Command } from 'commander';
import type { GlobalOptions } from '../commands/context.ts';
import { parseMilliseconds } from '../commands/duration-argument.ts';
import { commandNames } from '../commands/names.ts';

/** The root command with the flags that every command takes (DESIGN 7), before any command is registered. */
export function globalProgram(): Command {
  return new Command('examctl')
    .option('-e, --env <name>', 'the environment; default: EXAMCTL_ENV, else the only one, else sandbox')
    .option('-c, --config <file>', 'the configuration; default: examctl.yaml, looked for upwards from here')
    .option('-o, --output <format>', 'table, json, ndjson, yaml, markdown, junit or github')
    .option(
      '--dry-run',
      'show the plan that a run would execute, and change nothing (commands without a plan refuse it)',
      false,
    )
    .option('-y, --yes', 'do not ask for confirmation', false)
    .option(
      '--confirm <environment>',
      "confirm a change of a protected environment by the environment's name",
    )
    .option('--reason <text>', 'why; goes on record')
    .option('--break-glass', 'in an emergency: lifts refusals, goes on record', false)
    .option('--timeout <duration>', 'end in order after this time', parseMilliseconds)
    .option('--state <folder>', 'where runs, audit log and sandbox are kept; default: EXAMCTL_STATE')
    .option('--no-color', 'no colours (also NO_COLOR)')
    .option('-q, --quiet', 'no progress on stderr', false)
    .option('-v, --verbose', 'say more on stderr', false)
    .option('--debug', 'stacks of errors', false)
    .addHelpText('afterAll', '\nexamctl help options shows the flags that every command takes.')
    .showHelpAfterError('(examctl <command> --help shows what can be said)')
    .exitOverride();
}

export type ProgramOptions = GlobalOptions & { readonly state?: string; readonly color: boolean };

/** The command that is asked for, and the word after it; the rest of the arguments is for that command to understand. */
export function wantedCommand(program: Command, args: readonly string[]): readonly string[] {
  return program.parseOptions([...args]).operands.slice(0, 2);
}

/** So that commander can name the nearest command. */
export function registerNames(program: Command): void {
  for (const [name, summary] of commandNames) program.command(name).description(summary);
}
