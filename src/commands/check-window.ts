import type { WindowOptions } from '../checks/statements/windows.ts';
import type { Environment, RehearsalAccounts } from '../lifecycle/environment.ts';
import { UsageError } from '../lifecycle/errors.ts';
import type { TimeSpan } from './exam-argument.ts';
import { sessionIds } from './sessions-argument.ts';

export interface WindowFlags {
  readonly since?: Date;
  readonly exam?: TimeSpan;
  readonly sessions?: string;
  readonly excludeRehearsal?: boolean;
}

/** Which sessions the flags mean. */
export async function windowOf(
  { since, exam, sessions, excludeRehearsal = false }: WindowFlags,
  environment: Pick<Environment, 'name' | 'rehearsalAccounts'>,
  readText: (source: string) => Promise<string>,
): Promise<WindowOptions> {
  return {
    ...(since === undefined ? {} : { since }),
    ...(exam === undefined ? {} : { exam }),
    ...(sessions === undefined ? {} : { sessions: await sessionIds(sessions, readText) }),
    ...(excludeRehearsal ? { withoutRehearsal: await accountsOf(environment) } : {}),
  };
}

export async function accountsOf({
  name,
  rehearsalAccounts,
}: Pick<Environment, 'name' | 'rehearsalAccounts'>): Promise<RehearsalAccounts> {
  const accounts = (await rehearsalAccounts?.()) ?? null;
  if (accounts !== null) return accounts;
  throw new UsageError(`the accounts of rehearsals on ${name} are not known`, {
    hint: `set identities.email_domain (with signing_key) or identities.file of ${name} in examctl.yaml`,
  });
}
