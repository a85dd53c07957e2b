import { Command } from 'commander';
import { UsageError } from '../lifecycle/errors.ts';
import { exitCodes } from '../lifecycle/exit-codes.ts';
import type { Context } from './context.ts';

export function explainCommand(context: Context): Command {
  return new Command('explain')
    .argument('[code]', 'an exit code; without it, all of them')
    .description('explain an exit code')
    .addHelpText('after', '\nExamples:\n  examctl explain 6\n  examctl rehearse; examctl explain $?')
    .action((code: string | undefined) => runExplain(code, context));
}

export async function runExplain(
  code: string | undefined,
  { report }: Pick<Context, 'report'>,
): Promise<void> {
  const rows = exitCodes.filter((entry) => code === undefined || String(entry.code) === code);
  if (rows.length === 0) {
    throw new UsageError(`examctl has no exit code ${code}`, {
      hint: `it has ${exitCodes.map((entry) => entry.code).join(', ')}`,
    });
  }
  await report({
    kind: 'explain',
    data: { exitCodes: rows },
    rows,
    blocks: [
      {
        type: 'table',
        columns: [{ title: 'Code', align: 'right' }, { title: 'Meaning' }, { title: 'What to do' }],
        rows: rows.map((entry) => [entry.code, entry.meaning, entry.next]),
      },
    ],
  });
}
