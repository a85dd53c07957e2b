import type { z } from 'zod';
import { invalid } from './errors.ts';

/** The value as the schema says, or 422 with what is wrong with each field. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map(({ path, message, code }) => ({
      field: path.join('.'),
      issue: message,
      type: code,
    })),
  );
}
