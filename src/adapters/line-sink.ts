import { randomBytes } from 'node:crypto';
import { constants, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExamctlError, messageOf, UsageError } from '../lifecycle/errors.ts';
import type { LineSink } from '../lifecycle/line-sink.ts';
import { replaceableFile } from './files.ts';
import { collectingAfter } from './garbage.ts';

const collectEvery = 4 * 1024 * 1024;
/** Milliseconds between two looks whether a FIFO has a reader. */
const lookEvery = 50;

export interface FileSinkOptions {
  /** those of this process, which a name like /dev/stdout means */
  readonly streams: readonly (NodeJS.WriteStream & { readonly fd?: number })[];
  readonly signal: AbortSignal;
  /** a FIFO has no reader yet */
  readonly onWait?: () => void;
}

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

/** A file is there when all of it is; what is no file is written as it is. */
export async function sinkToFile(file: string, options: FileSinkOptions): Promise<LineSink> {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    const own = options.streams.find((stream) => found !== undefined && isOpenAs(stream, found));
    if (own !== undefined) return sinkToStream(own);
    const target = replaceableFile(file);
    if (target !== null) return await sinkToDraft(target);
    if (found?.isFIFO()) return await sinkToFifo(file, options);
    return sinkToHandle(await open(file, constants.O_WRONLY | constants.O_NOCTTY));
  } catch (cause) {
    if (cause instanceof ExamctlError) throw cause;
    throw new UsageError(`${file} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

function isOpenAs({ fd }: { readonly fd?: number }, { dev, ino }: Stats): boolean {
  if (typeof fd !== 'number') return false;
  const open = fstatSync(fd);
  return open.dev === dev && open.ino === ino;
}

async function sinkToDraft(file: string): Promise<LineSink> {
  const draft = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  const sink = sinkToHandle(await open(draft, 'wx', 0o600));
  return {
    write: sink.write,
    close: async (complete) => {
      try {
        await sink.close(complete);
        if (complete) await rename(draft, file);
      } finally {
        await rm(draft, { force: true });
      }
    },
  };
}

function sinkToHandle(handle: FileHandle): LineSink {
  const wrote = collectingAfter(collectEvery);
  return {
    write: async (lines) => {
      wrote(lines.length);
      // Unlike `write` it goes on until all is written.
      await handle.appendFile(lines);
      return true;
    },
    close: () => handle.close(),
  };
}

/** As a stream: a thread that waits for the reader of a FIFO could not be ended by Ctrl-C. */
async function sinkToFifo(file: string, { signal, onWait }: FileSinkOptions): Promise<LineSink> {
  const fd = await openWithReader(file, signal, onWait);
  const socket = new Socket({ fd, readable: false, writable: true });
  // Whoever writes is told by the callback.
  socket.on('error', () => undefined);
  const { write } = sinkToStream(socket);
  return {
    write: async (lines) => !socket.destroyed && (await write(lines)),
    close: (complete) =>
      new Promise((resolve) => {
        socket.once('close', () => resolve());
        if (socket.destroyed || !complete) socket.destroy();
        else socket.end();
        if (socket.closed) resolve();
      }),
  };
}

async function openWithReader(
  file: string,
  signal: AbortSignal,
  onWait: (() => void) | undefined,
): Promise<number> {
  for (let waits = false; ; waits = true) {
    try {
      return openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    }
    if (!waits) onWait?.();
    await sleep(lookEvery, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
