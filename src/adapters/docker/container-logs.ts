import { Undetermined } from '../../lifecycle/errors.ts';
import { said } from '../../lifecycle/redact.ts';

export interface ContainerLine {
  readonly stream: 'stdout' | 'stderr';
  /** when the engine wrote it down */
  readonly at: Date;
  readonly text: string;
}

/** What came at one time; of a log: a line, or 16 KiB of a longer one. */
export interface Entry {
  readonly stream: ContainerLine['stream'];
  readonly bytes: Buffer;
}

/**
 * The lines of GET /containers/ID/logs with timestamps=1. A line over 16 KiB comes as several entries, each with its own
 * timestamp, of which only the last ends in a line break.
 */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  { terminal }: { readonly terminal: boolean },
): AsyncIterable<ContainerLine> {
  const open = new Map<ContainerLine['stream'], { at: Date; parts: Buffer[] }>();
  for await (const { stream, bytes } of terminal ? terminalEntries(chunks) : framedEntries(chunks)) {
    const space = bytes.indexOf(' ');
    const line = open.get(stream) ?? { at: new Date(bytes.toString('latin1', 0, space)), parts: [] };
    line.parts.push(bytes.subarray(space + 1));
    if (bytes.at(-1) === lineFeed) {
      open.delete(stream);
      yield finished(stream, line);
    } else open.set(stream, line);
  }
  for (const [stream, line] of open) yield finished(stream, line);
}

const lineFeed = 10;

/** Decoded as a whole: 16 KiB may end within a character. */
function finished(
  stream: ContainerLine['stream'],
  { at, parts }: { at: Date; parts: Buffer[] },
): ContainerLine {
  return {
    stream,
    at,
    text: Buffer.concat(parts)
      .toString('utf8')
      .replace(/\r?\n$/, ''),
  };
}

const headerLength = 8;
/** A frame in which the engine itself speaks, and nothing comes after it (moby: stdcopy.Systemerr). */
const engineError = 3;

/** 1 byte stream (1 out, 2 err), 3 zero bytes, length as u32 big-endian, payload: one entry. */
export async function* framedEntries(chunks: AsyncIterable<Buffer>): AsyncIterable<Entry> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= headerLength) {
      const end = headerLength + rest.readUInt32BE(4);
      if (rest.length < end) break;
      if (rest[0] === engineError) {
        const words = said(rest.toString('utf8', headerLength, end).trim());
        throw new Undetermined(`the engine could not read the log to its end: ${words}`, {
          hint: 'its driver may have damaged it: docker logs shows the same; a newer part may be readable with --since',
        });
      }
      yield { stream: rest[0] === 2 ? 'stderr' : 'stdout', bytes: rest.subarray(headerLength, end) };
      rest = rest.subarray(end);
    }
  }
}

/** A container with a terminal has no frames. */
async function* terminalEntries(chunks: AsyncIterable<Buffer>): AsyncIterable<Entry> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(lineFeed); end !== -1; end = rest.indexOf(lineFeed)) {
      yield { stream: 'stdout', bytes: rest.subarray(0, end + 1) };
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield { stream: 'stdout', bytes: rest };
}
