import { readFileSync, statSync } from 'node:fs';

const pollMs = 250;

export interface WatchedFile<T> {
  value(): T;
  close(): void;
}

/** A JSON file that others replace. It is read again when its time has changed; `absent` while there is none. */
export function watchJsonFile<T>(
  file: string,
  absent: T,
  onProblem: (error: unknown) => void,
): WatchedFile<T> {
  let value = absent;
  let version = '';
  const look = () => {
    try {
      const found = versionOf(file);
      if (found === version) return;
      version = found;
      value = found === '' ? absent : (JSON.parse(readFileSync(file, 'utf8')) as T);
    } catch (error) {
      onProblem(error);
    }
  };
  look();
  const timer = setInterval(look, pollMs).unref();
  return { value: () => value, close: () => clearInterval(timer) };
}

/** The inode belongs to it: two replacements may fall into one tick of the file system's clock. */
function versionOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? '' : `${found.mtimeNs} ${found.ino} ${found.size}`;
}
