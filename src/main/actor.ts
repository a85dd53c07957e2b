import { accountName } from '../adapters/account.ts';
import type { Config } from '../config/settings.ts';
import type { Actor } from '../lifecycle/authorize.ts';

/** Who acts, as records show it. */
export function actorName(env: NodeJS.ProcessEnv): string {
  return env.EXAMCTL_ACTOR || userOf(env);
}

/** Whoever sits behind sudo. Only root could have been given that variable by sudo; from anybody else it proves nothing. */
export function userOf(
  { SUDO_USER }: NodeJS.ProcessEnv,
  account = accountName(),
  uid = process.geteuid?.(),
): string {
  return uid === 0 && SUDO_USER ? SUDO_USER : account;
}

/** Nobody is listed: then roles mean nothing here. A name alone, which anybody can say, gives none. */
export function actorOf(
  { people }: Pick<Config, 'people'>,
  env: NodeJS.ProcessEnv,
  user = userOf(env),
): Actor {
  const name = env.EXAMCTL_ACTOR || user;
  if (people.length === 0) return { name, roles: null };
  const person = people.find((one) => one.name === name) ?? people.find((one) => one.accounts.includes(name));
  if (person === undefined) return { name, roles: [] };
  if (person.accounts.includes(user)) return { name, roles: person.roles };
  const text = `${name} acts under ${person.accounts.join(' or ')}, and this is ${user}`;
  const needed = `work under that account, or have ${user} listed with ${name}: people, accounts in the configuration`;
  return { name, roles: [], why: { text, needed } };
}
