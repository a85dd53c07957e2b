import type { Plan } from '../lifecycle/plan.ts';
import type { ProgramOptions } from './program.ts';

/** The environment's name as --confirm gives it, or as the person types it; undefined where nobody can be asked. */
export async function confirmation(
  plan: Plan,
  { confirm }: Pick<ProgramOptions, 'confirm'>,
  { stderr, interactive }: { stderr: NodeJS.WriteStream; interactive: boolean },
): Promise<string | undefined> {
  if (confirm !== undefined || !interactive) return confirm;
  const { default: inquirer } = await import('inquirer');
  stderr.write(`${plan.operation} on ${plan.environment}\n${plan.impact.text}\n`);
  for (const { target, before, after } of plan.changes) stderr.write(`  ${target}: ${before} -> ${after}\n`);
  const prompt = inquirer.createPromptModule({ output: stderr });
  const { typed } = await prompt<{ typed: string }>([
    {
      type: 'input',
      name: 'typed',
      message: `Type the name of the environment to go on (${plan.environment}):`,
    },
  ]);
  return typed.trim();
}
