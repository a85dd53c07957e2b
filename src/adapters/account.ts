import { homedir, userInfo } from 'node:os';

/** Where no folder is, and none but root's account could make one: Debian's home of accounts that have none. */
const nowhere = '/nonexistent';

/** The account of this process; one without a name in the passwd file, as a container has it, goes by its number. */
export function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}

/** With the one behind sudo, so that root is somebody. */
export function accountInUse({ SUDO_USER } = process.env): string {
  const account = accountName();
  return process.geteuid?.() === 0 && SUDO_USER ? `${account} by sudo from ${SUDO_USER}` : account;
}

/** There is nothing to read in the home of an account that has none, and nothing can be written to it. */
export function homeFolder(): string {
  try {
    return homedir() || nowhere;
  } catch {
    return nowhere;
  }
}
