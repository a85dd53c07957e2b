import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, UsageError } from '../../lifecycle/errors.ts';
import { type ExamShape, shapeSchema } from './exam-shape.ts';

const seconds = z.number().nonnegative();
const shape = z.object({
  schema: z.literal(shapeSchema),
  source: z.string(),
  students: z
    .array(
      z.object({
        start: seconds,
        seconds: z.number().positive(),
        submit: seconds.nullable(),
        answers: z.int().nonnegative().nullable(),
      }),
    )
    .min(1),
});

/** What `load shape -o json` wrote. */
export async function readShape(file: string): Promise<ExamShape> {
  let read: unknown;
  try {
    read = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new UsageError(`the shape ${file} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'examctl load shape --from schedule.csv -o json > shape.json',
    });
  }
  const { success, data, error } = shape.safeParse(read);
  if (success) return data;
  const [first] = error.issues;
  throw new UsageError(`${file} is no shape: ${first?.path.join('.')}: ${first?.message}`, {
    hint: 'examctl load shape --from schedule.csv -o json > shape.json',
  });
}
