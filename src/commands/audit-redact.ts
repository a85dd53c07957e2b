import { hostname } from 'node:os';
import { Command } from 'commander';
import { UsageError } from '../lifecycle/errors.ts';
import type { Context } from './context.ts';
import { parseCount } from './count-argument.ts';
import { declare } from './traits.ts';

type RedactContext = Pick<Context, 'audit' | 'actor' | 'options' | 'report'>;

export function auditRedactCommand(context: RedactContext): Command {
  return declare(new Command('redact'), { changes: true })
    .argument('<entry>', 'its number, as audit log shows it', parseCount)
    .description('take reason, result and details out of an entry that holds a secret; the chain still holds')
    .addHelpText(
      'after',
      `
The texts are gone for good. When, who, on what and which run stay, and so does the entry's hash, so that the chain still
verifies. An entry of its own says who redacted it and why, and what was left of it; audit verify names redacted entries.
The secret itself may still be guessed at by whoever can try all of its values against the hash: have it changed. The same
text may be in the run's journal (examctl runs show), and in exports and backups.

Example:
  examctl audit redact 17 --reason "a student's token got in"`,
    )
    .action((sequence: number) => runAuditRedact(sequence, context));
}

export async function runAuditRedact(
  sequence: number,
  { audit, actor, options, report }: RedactContext,
): Promise<void> {
  const reason = options.reason?.trim() ?? '';
  if (reason === '') {
    throw new UsageError('an entry is not redacted without a reason', {
      hint: 'add --reason "..."; it goes into the audit log, so it must not hold the secret',
    });
  }
  const by = { at: new Date().toISOString(), actor, host: hostname(), reason };
  const { entry, record } = await audit.redact(sequence, by);
  const journal = entry.run === null ? '' : ` The journal of run ${entry.run} may hold the same text.`;
  await report({
    kind: 'audit.redact',
    data: { entry, record },
    blocks: [
      {
        type: 'text',
        text: `Entry ${sequence} is redacted; entry ${record.sequence} says so.${journal} Exports and backups are as they were.`,
      },
    ],
  });
}
