import { hostname } from 'node:os';
import type { AuditContent } from '../lifecycle/audit.ts';
import type { Context } from './context.ts';

/** Puts on record what is no run of its own, with who, where and why filled in; `run` is the one that it is about. */
export function auditRecorder(
  { audit, actor, options }: Pick<Context, 'audit' | 'actor' | 'options'>,
  about: Pick<AuditContent, 'environment' | 'action'>,
): (result: string, details: AuditContent['details'], run?: string) => Promise<unknown> {
  return (result, details, run) =>
    audit.append({
      ...about,
      at: new Date().toISOString(),
      actor,
      host: hostname(),
      run: run ?? null,
      reason: options.reason ?? null,
      breakGlass: options.breakGlass,
      result,
      details,
    });
}
