import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';
import type { EvidenceFile } from './collector.ts';

export interface EvidenceFiles {
  open(name: string): EvidenceFile;
  /** the files, relative to the folder, when all of them are on disk */
  close(): Promise<string[]>;
  /** closes what can be closed, for a reading that failed anyway */
  abandon(): Promise<string[]>;
}

/** Raw readings of one collector. Students are not named in them. */
export function evidenceFiles(folder: string): EvidenceFiles {
  const streams = new Map<string, WriteStream>();
  return {
    open(name) {
      const path = join('evidence', name);
      const stream = createWriteStream(join(folder, path));
      // Whoever writes or closes next is told; without a listener a full disk would end the process.
      stream.on('error', () => undefined);
      streams.set(path, stream);
      return {
        async write(line) {
          if (stream.errored !== null) throw notWritten(path, stream.errored);
          if (!stream.write(`${line}\n`)) await drained(stream);
        },
      };
    },
    async close() {
      for (const [path, stream] of streams) {
        stream.end();
        try {
          await finished(stream);
        } catch (cause) {
          throw notWritten(path, cause);
        }
      }
      return [...streams.keys()];
    },
    async abandon() {
      const whole: string[] = [];
      for (const [path, stream] of streams) {
        stream.end();
        const broken = await finished(stream).then(
          () => false,
          () => true,
        );
        if (!broken) whole.push(path);
      }
      return whole;
    },
  };
}

export function notWritten(path: string, cause: unknown): Undetermined {
  return new Undetermined(`${path} cannot be written: ${messageOf(cause)}`, {
    hint: 'make room, or name another folder: examctl metrics capture <folder>',
    cause,
  });
}

function drained(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      stream.off('drain', end);
      stream.off('close', end);
      resolve();
    };
    stream.once('drain', end);
    stream.once('close', end);
  });
}
