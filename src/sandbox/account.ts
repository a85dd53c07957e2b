import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Undetermined } from '../lifecycle/errors.ts';

/** Under which PostgreSQL and Redis run. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root, so root lends it `nobody`. Undefined: the servers run as the user. */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'nobody');
  if (entry === undefined) {
    throw new Undetermined(
      'PostgreSQL cannot run as root, and /etc/passwd has no user "nobody" to run it as',
      {
        hint: 'run examctl as an ordinary user',
      },
    );
  }
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** Whether the account may go through the folder and all folders above it; those that do not exist yet count as fine. */
export function isTraversable(folder: string, account: Account | undefined): boolean {
  if (account === undefined) return true;
  const parent = dirname(folder);
  return mayEnter(folder, account) && (parent === folder || isTraversable(parent, account));
}

function mayEnter(folder: string, { uid, gid }: Account): boolean {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return true;
  if (stat.uid === uid) return (stat.mode & 0o100) !== 0;
  return (stat.mode & (stat.gid === gid ? 0o010 : 0o001)) !== 0;
}
