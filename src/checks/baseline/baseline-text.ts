import { ConfigError, messageOf } from '../../lifecycle/errors.ts';
import type { Acceptance, Baseline } from './baseline.ts';

const schema = 'examctl/integrity-baseline/v1';

/** In a fixed order and a line for each finding, so that two branches of a repository merge. */
export function baselineText(baseline: Baseline): string {
  const acceptances = baseline
    .map((one) => ({ ...one, keys: [...one.keys].sort() }))
    .sort((a, b) => compare(orderOf(a), orderOf(b)));
  return `${JSON.stringify({ schema, acceptances }, null, 2)}\n`;
}

function orderOf({ environment, check, acceptedAt }: Acceptance): string {
  return [environment, check, acceptedAt].join('\n');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Throws ConfigError with all that is wrong: a baseline that is half understood would hide findings or show old ones. */
export function parseBaseline(text: string | undefined, file: string): Baseline {
  if (text === undefined) return [];
  const data = parseJson(text, file);
  if (!isRecord(data) || data.schema !== schema) {
    const found = isRecord(data) && typeof data.schema === 'string' ? `"${data.schema}"` : 'none';
    throw new ConfigError(`${file} is no baseline that this version reads: its schema is ${found}`, {
      hint: `it must be "${schema}"; use the version of examctl that wrote it, or move the file away and accept again`,
    });
  }
  const { acceptances } = data;
  const problems = Array.isArray(acceptances)
    ? acceptances.flatMap((one, index) => problemsOf(one, `acceptances[${index}]`))
    : ['acceptances: must be a list'];
  if (problems.length === 0) return acceptances as Acceptance[];
  throw new ConfigError(problems.map((problem) => `${file} ${problem}`).join('\n'), {
    hint: 'take the file back from version control, or move it away and accept again: examctl integrity baseline accept',
  });
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const conflict = /^<{7} /m.test(text);
    throw new ConfigError(`${file} is not JSON: ${conflict ? 'it has merge conflicts' : messageOf(cause)}`, {
      hint: conflict
        ? 'keep the acceptances of both sides, then: examctl integrity baseline list'
        : 'take the file back from version control, or move it away and accept again',
      cause,
    });
  }
}

const texts = ['check', 'environment', 'owner', 'reason', 'acceptedBy'] as const;
const times = ['until', 'acceptedAt'] as const;
const known: readonly string[] = [...texts, ...times, 'keys'];

function problemsOf(one: unknown, at: string): string[] {
  if (!isRecord(one)) return [`${at}: must be an acceptance`];
  const { keys } = one;
  return [
    ...texts
      .filter((key) => typeof one[key] !== 'string' || one[key].trim() === '')
      .map((key) => `${at}.${key}: must be text`),
    ...times
      .filter((key) => !isTime(one[key]))
      .map((key) => `${at}.${key}: must be a time in UTC, as 2026-05-04T09:00:00.000Z`),
    ...(Array.isArray(keys) && keys.every(isKey) ? [] : [`${at}.keys: must be a list of 32 hex digits each`]),
    ...Object.keys(one)
      .filter((key) => !known.includes(key))
      .map((key) => `${at}.${key}: unknown key`),
  ];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTime(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  );
}

function isKey(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);
}
