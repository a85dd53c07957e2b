import type { Report } from './report.ts';

export function schemaOf({ kind, version = 1 }: Pick<Report, 'kind' | 'version'>): string {
  return `examctl/${kind}/v${version}`;
}

/** The report's data with `schema` in front. */
export function withSchema(report: Report): object {
  const data = Array.isArray(report.data) ? { items: report.data } : report.data;
  return { schema: schemaOf(report), ...data };
}

export function renderJson(report: Report, { terminal }: { readonly terminal: boolean }): string {
  return `${JSON.stringify(withSchema(report), plainValue, terminal ? 2 : undefined)}\n`;
}

/** What JSON.stringify would drop or refuse, as data. Dates and secrets have a toJSON of their own. */
export function plainValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (value instanceof Error) return { error: value.name, message: value.message };
  return value;
}
