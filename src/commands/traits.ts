import type { Command } from 'commander';

/** What a command declares of itself beside its flags; main judges flags by it before anything starts. */
export interface Traits {
  /** it changes something that may have to be undone */
  readonly changes?: true;
  /** it can show its plan instead of carrying it out */
  readonly dryRun?: true;
  /** its report has outcomes, which -o junit and github print */
  readonly judges?: true;
}

const declared = new WeakMap<Command, Traits>();

/** Of a command, for `command(...)` to go on with. */
export function declare(command: Command, traits: Traits): Command {
  declared.set(command, traits);
  return command;
}

export function traitsOf(command: Command): Traits {
  return declared.get(command) ?? {};
}
