import { join } from 'node:path';
import { withFileLock } from '../adapters/file-lock.ts';

/** One up, down or reset at a time: a second one waits. */
export function withChangeLock<T>(
  stateFolder: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (message: string) => void },
  change: () => Promise<T>,
): Promise<T> {
  return withFileLock(join(stateFolder, 'sandbox.lock'), change, {
    signal,
    patience: Number.POSITIVE_INFINITY,
    onWait: ({ pid }) => onProgress(`waiting for process ${pid}, which is changing the sandbox`),
  });
}
