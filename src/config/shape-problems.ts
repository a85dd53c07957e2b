import type { z } from 'zod';
import { didYouMean } from '../lifecycle/nearest.ts';
import type { Path, Problem } from './problem.ts';

type Issue = z.core.$ZodIssue;

/** What zod found, in our words. Values are named only where they are one of few known words, never secrets. */
export function shapeProblems(issues: readonly Issue[], data: unknown): Problem[] {
  return issues.flatMap((issue) => problemsOf(issue, issue.path as Path, data));
}

function problemsOf(issue: Issue, path: Path, data: unknown): Problem[] {
  const value = valueAt(data, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKeys(issue, path);
    case 'invalid_value':
      return [unknownValue(path, value, issue.values.map(String))];
    case 'invalid_union':
      return unionProblems(issue, path, data);
    case 'invalid_type':
      return [wrongType(path, value, issue.expected)];
    case 'too_small':
    case 'too_big':
      return [outOfRange(issue, path, value)];
    case 'invalid_key':
      return issue.issues.flatMap((nested) =>
        problemsOf(nested, path, data).map((problem) => ({ ...problem, at: 'key' as const })),
      );
    case 'custom':
      return [customProblem(issue, path)];
    default:
      return [{ code: 'wrong-value', path, message: issue.message }];
  }
}

function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, path: Path): Problem[] {
  const hints = issue.message.split('\n');
  return issue.keys.map((key, index) => ({
    code: 'unknown-key',
    path: [...path, key],
    message: 'unknown key',
    hint: hints[index] ?? issue.message,
    at: 'key',
  }));
}

function unknownValue(path: Path, value: unknown, known: readonly string[]): Problem {
  if (value === undefined) return missing(path, `one of: ${known.join(', ')}`);
  if (typeof value !== 'string') return wrongType(path, value, 'string', `one of: ${known.join(', ')}`);
  // Anything longer than a word may be a secret in the wrong place.
  const shown = /^[\w-]{1,40}$/.test(value) ? ` "${value}"` : '';
  return { code: 'unknown-value', path, message: `unknown value${shown}`, hint: didYouMean(value, known) };
}

function unionProblems(issue: z.core.$ZodIssueInvalidUnion, path: Path, data: unknown): Problem[] {
  const value = valueAt(data, path);
  if (issue.discriminator !== undefined) {
    const options = (issue as { options?: readonly unknown[] }).options ?? [];
    return [unknownValue(path, value, options.map(String))];
  }
  const branch = issue.errors.find((issues) => issues.every(isAbout(value)));
  if (branch === undefined) {
    const takesNumber = issue.errors.some(
      ([first]) => first?.code === 'invalid_type' && first.expected === 'number',
    );
    return [wrongType(path, value, takesNumber ? 'number or text' : 'text or mapping')];
  }
  return branch.flatMap((nested) => problemsOf(nested, [...path, ...(nested.path as Path)], data));
}

/** Whether an issue is of a branch that takes values of this type. */
function isAbout(value: unknown): (issue: Issue) => boolean {
  if (typeof value === 'string') return isAboutText;
  return typeof value === 'number' ? ({ code }) => code === 'custom' : isAboutMapping;
}

function isAboutText({ code }: Issue): boolean {
  return code === 'invalid_value' || code === 'custom';
}

function isAboutMapping({ code, path }: Issue): boolean {
  return path.length > 0 || code === 'unrecognized_keys';
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  object: 'a mapping of keys',
  record: 'a mapping of names',
  array: 'a list',
  'text or mapping': 'text or a mapping',
  'number or text': 'a number or a share in percent',
};

function wrongType(path: Path, value: unknown, expected: string, hint?: string): Problem {
  const wanted = typeNames[expected] ?? expected;
  if (value === undefined) return missing(path, hint ?? `it is ${wanted}`);
  const found = describeType(value);
  const advice = hint ?? typeHint(value, expected);
  return {
    code: 'wrong-type',
    path,
    message: `must be ${wanted}, and is ${found}`,
    ...(advice !== undefined && { hint: advice }),
  };
}

function missing(path: Path, hint: string): Problem {
  return { code: 'missing-key', path, message: 'is missing', hint };
}

function describeType(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

function typeHint(value: unknown, expected: string): string | undefined {
  const wantsText = expected === 'string' || expected === 'text or mapping';
  if (wantsText && (typeof value === 'number' || typeof value === 'boolean')) {
    return 'put it in quotes';
  }
  if (expected === 'number' && typeof value === 'string')
    return 'write the number alone, without quotes or unit';
  if (expected === 'array') return 'put it in brackets: [ ... ]';
  return undefined;
}

function outOfRange(
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  path: Path,
  value: unknown,
): Problem {
  if (issue.origin === 'array') return { code: 'wrong-value', path, message: 'is an empty list' };
  const limit =
    issue.code === 'too_big'
      ? `at most ${issue.maximum}`
      : `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
  const isPercentage = issue.code === 'too_big' && issue.maximum === 1 && typeof value === 'number';
  return {
    code: 'out-of-range',
    path,
    message: `must be ${limit}, and is ${String(value)}`,
    ...(isPercentage && { hint: `a share: ${value} % is written ${value / 100}` }),
  };
}

function customProblem(issue: z.core.$ZodIssueCustom, path: Path): Problem {
  const { code, hint } = (issue.params ?? {}) as { code?: string; hint?: string };
  return { code: code ?? 'wrong-value', path, message: issue.message, ...(hint !== undefined && { hint }) };
}

export function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, part)
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    data,
  );
}
