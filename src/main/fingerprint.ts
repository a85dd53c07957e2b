import { type Environment, type Fingerprint, otherThan } from '../lifecycle/environment.ts';
import { isExpected } from '../lifecycle/errors.ts';
import type { RunIdentity } from '../lifecycle/run.ts';

/** Two databases of one server, and two servers with a database of the same name, are told apart. */
const databaseSql = `
  SELECT (SELECT system_identifier FROM pg_control_system())::text AS system, current_database() AS name`;

/** Which system an environment really is: another folder's \`staging\` may be called the same. */
export async function fingerprintOf({
  urlOf,
  withPostgres,
}: Pick<Environment, 'withPostgres'> & { readonly urlOf: () => string }): Promise<Fingerprint> {
  const [database, url] = await Promise.all([
    whenKnown(async () => {
      const { rows } = await withPostgres((postgres) =>
        postgres.query<{ system: string; name: string }>(databaseSql),
      );
      return rows[0] && `${rows[0].name} of ${rows[0].system}`;
    }),
    whenKnown(async () => new URL(urlOf()).origin),
  ]);
  return { ...(database !== undefined && { database }), ...(url !== undefined && { api: url }) };
}

/** What is away now says nothing about what it is. */
async function whenKnown(ask: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!isExpected(error)) throw error;
    return undefined;
  }
}

/** What examctl made, took away and perhaps made anew has taken along whatever was open in it. */
export async function isGone({ target = {} }: RunIdentity, environment: Environment): Promise<boolean> {
  const { ephemeral } = environment;
  if (ephemeral === undefined) return false;
  return !(await ephemeral.isUp()) || otherThan(target, await environment.fingerprint()).length > 0;
}
