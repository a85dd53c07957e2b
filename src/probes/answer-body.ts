import { said } from '../lifecycle/redact.ts';

/** The value at a dotted path of a JSON body: "checks.db.status". */
export function valueAt(body: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null) return undefined;
    return (value as Record<string, unknown>)[key];
  }, body);
}

/** The stable error code of an error body: R2 `{error_code}`, R1 `{error: {code}}`. Foreign bodies have none. */
export function errorCodeOf(body: unknown): string | undefined {
  const code = valueAt(body, 'error_code') ?? valueAt(body, 'error.code');
  return typeof code === 'string' ? said(code) : undefined;
}
