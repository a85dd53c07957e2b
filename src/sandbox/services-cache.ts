import { join } from 'node:path';
import { type Account, isTraversable } from './account.ts';
import { makeOwnFolder, makeWritableFolder } from './folder.ts';

/** What can be kept for the next sandbox, where the servers' account can reach it: root's own cache it cannot. */
export function makeServicesCache(cacheFolder: string, account: Account | undefined): string {
  makeWritableFolder(cacheFolder);
  const mode = account === undefined ? 0o700 : 0o711;
  const isReachable = isTraversable(cacheFolder, account);
  const parent = isReachable ? cacheFolder : '/var/cache/examctl';
  if (!isReachable) makeOwnFolder(parent, mode);
  const folder = join(parent, 'sandbox');
  makeOwnFolder(folder, mode);
  return folder;
}
