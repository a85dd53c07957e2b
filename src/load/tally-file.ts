import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, Undetermined, UsageError } from '../lifecycle/errors.ts';
import { encodedTally } from './tally.ts';

export const tallySchema = 'examctl/load-tally/v1';

const count = z.int().nonnegative();

/** What one machine saw of a load: enough to judge several of them as one. */
const machineTally = z.object({
  schema: z.literal(tallySchema),
  scenario: z.string(),
  baseUrl: z.string(),
  asked: z.object({
    thresholds: z.object({ p95Ms: z.number(), errorRate: z.number() }),
    students: count,
    submitsTwice: z.boolean(),
  }),
  aborted: z.boolean(),
  generator: z.object({ busyCores: z.number().nullable(), usableCores: z.number() }),
  ledger: z.object({
    writes: count,
    studentsFinished: count,
    reasons: z.record(z.string(), count),
    submittedTwice: count,
    scoresDiffer: z.array(z.string()).readonly(),
  }),
  tally: encodedTally,
});

export type MachineTally = z.infer<typeof machineTally>;

export async function writeTally(file: string, content: Omit<MachineTally, 'schema'>): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify({ schema: tallySchema, ...content })}\n`, { mode: 0o600 });
  } catch (cause) {
    throw new Undetermined(`cannot write ${file}: ${messageOf(cause)}`, {
      cause,
      hint: 'make room, and run it again',
    });
  }
}

export async function readTally(file: string): Promise<MachineTally> {
  let read: unknown;
  try {
    read = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  const { success, data, error } = machineTally.safeParse(read);
  if (success) return data;
  throw new UsageError(
    `${file} is no tally of a load run: ${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}`,
  );
}
