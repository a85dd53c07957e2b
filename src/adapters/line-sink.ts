import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
import type { LineSink } from '../lifecycle/line-sink.ts';
import { collectingAfter } from './garbage.ts';

const collectEvery = 4 * 1024 * 1024;

export function sinkToStream(stream: NodeJS.WritableStream): LineSink {
  const wrote = collectingAfter(collectEvery);
  return {
    write: (lines) =>
      new Promise((resolve, reject) => {
        wrote(lines.length);
        stream.write(lines, (error) => {
          if (error == null) resolve(true);
          else if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false);
          else reject(error);
        });
      }),
    close: async () => undefined,
  };
}

/** The file is there when all of it is. */
export async function sinkToFile(file: string): Promise<LineSink> {
  const draft = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  const handle = await opened(draft, file);
  const wrote = collectingAfter(collectEvery);
  return {
    write: async (lines) => {
      wrote(lines.length);
      await handle.write(lines);
      return true;
    },
    close: async (complete) => {
      await handle.close();
      if (complete) await rename(draft, file);
      else await rm(draft, { force: true });
    },
  };
}

async function opened(draft: string, file: string): Promise<FileHandle> {
  try {
    return await open(draft, 'wx', 0o600);
  } catch (cause) {
    throw new UsageError(`${file} cannot be written: ${messageOf(cause)}`, { cause });
  }
}
