import type { Command } from 'commander';
import { traitsOf } from '../commands/traits.ts';
import type { FullContext } from './context.ts';
import { commandLoaders } from './load-command.ts';

/** `examctl help options`: the flags that every command takes, which its own help would bury its own flags under. */
export async function optionsHelp(program: Command, context: FullContext): Promise<string> {
  const help = program.createHelp();
  const options = help
    .visibleOptions(program)
    .map((option) => [help.optionTerm(option), help.optionDescription(option)] as const);
  const width = Math.max(...options.map(([term]) => term.length));
  const withDryRun = (await allCommands(context)).filter(({ command }) => traitsOf(command).dryRun);
  return [
    'Flags that every command takes:',
    '',
    ...options.map(([term, description]) => `  ${term.padEnd(width)}  ${description}`),
    '',
    'Commands with a dry run, which others refuse:',
    '',
    ...withDryRun.map(({ name }) => `  ${name}`),
    '',
  ].join('\n');
}

export interface NamedCommand {
  /** "exam-mode on" */
  readonly name: string;
  readonly command: Command;
}

/** Every command and what is below it, from their own declarations. */
export async function allCommands(context: FullContext): Promise<NamedCommand[]> {
  const found: NamedCommand[] = [];
  const walk = (command: Command, above: string) => {
    const name = `${above} ${command.name()}`.trim();
    found.push({ name, command });
    for (const child of command.commands) walk(child, name);
  };
  for (const load of Object.values(commandLoaders)) walk(await load(context), '');
  return found;
}
