import { Command } from 'commander';
import { exitCodeOf, type OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Context } from './context.ts';
import { declare } from './traits.ts';

export type DoctorContext = Pick<Context, 'report'> & {
  /** what examctl uses on this machine, each looked at now */
  prerequisites(): Promise<OutcomeRecord[]>;
};

export function doctorCommand(context: DoctorContext): Command {
  return declare(new Command('doctor'), { judges: true })
    .description('see whether this machine has what examctl needs')
    .addHelpText('after', '\nExample:\n  examctl doctor -o json')
    .action(() => runDoctor(context));
}

export async function runDoctor({ prerequisites, report }: DoctorContext): Promise<void> {
  const outcomes = await prerequisites();
  await report({
    kind: 'doctor',
    data: { prerequisites: outcomes },
    rows: outcomes,
    outcomes,
    exitCode: exitCodeOf(outcomes.map(({ outcome }) => outcome)),
    blocks: [{ type: 'outcomes', outcomes }],
  });
}
