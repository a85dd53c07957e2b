import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { isDamagedLine, type LedgerLine, parseLedgerLine } from '../ledger.ts';

/** A ledger, and how much of it counts: what is written later belongs to a load that is still running. */
export interface LedgerExtent {
  readonly file: string;
  /** bytes, up to the end of a line */
  readonly end: number;
}

/** Of one of several ledgers: workers and machines have one each. */
export interface LinePlace {
  /** index into the ledgers */
  readonly ledger: number;
  /** 1-based */
  readonly line: number;
}

export interface PlacedLine {
  readonly place: LinePlace;
  readonly line: LedgerLine;
}

export interface Piece {
  readonly lines: readonly PlacedLine[];
  /** what was a line, and cannot be read any more: of whom it spoke is not known */
  readonly damaged: readonly LinePlace[];
  /** of the ledgers, about */
  readonly bytes: number;
}

/** Bytes of ledger that are in memory at the same time; as objects they take several times as much. */
const pieceBytes = 16 * 1024 * 1024;
/** Files that are open at the same time; a ledger of more than 8 GB has bigger pieces. */
const piecesAtMost = 512;
/** Bytes, of all pieces together, that are gathered before they are written. */
const gathered = 32 * 1024 * 1024;
const chunkBytes = 1024 * 1024;
const newline = 0x0a;
const quote = 0x22;
const sessionKey = Buffer.from('"sessionId":"');

/**
 * The ledgers' lines, piece by piece: all of a session's lines are in the same piece, in their order. What fits into one
 * piece is read as it is; more is divided over files first, so that memory does not grow with the ledger.
 */
export async function* ledgerPieces(ledgers: readonly LedgerExtent[]): AsyncGenerator<Piece> {
  const total = ledgers.reduce((sum, { end }) => sum + end, 0);
  const pieces = Math.min(piecesAtMost, Math.ceil(total / pieceBytes));
  if (pieces <= 1) {
    const piece = new PieceReader();
    for (const [ledger, extent] of ledgers.entries()) {
      await scanLines(extent, (bytes, start, end, line) =>
        piece.add({ ledger, line }, bytes.toString('utf8', start, end)),
      );
    }
    yield { ...piece, bytes: total };
    return;
  }
  const folder = mkdtempSync(join(dirname(ledgers[0]?.file ?? ''), '.reconcile-'));
  try {
    const without = new PieceReader();
    const files = await divide(ledgers, { count: pieces, folder, without });
    yield { ...without, bytes: 0 };
    for (const file of files) yield { ...(await readPiece(file)), bytes: total / pieces };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bytes to the end of the last whole line; a line that a crash cut off, or that is just being written, is left out. */
export async function extentOf(file: string): Promise<LedgerExtent> {
  try {
    const { size } = await stat(file);
    const handle = await open(file);
    try {
      return { file, end: await endOfLastLine(handle, size) };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new Undetermined(`the ledger cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'name the ledger file, or the folder of a load run: examctl runs list',
    });
  }
}

async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const tail = Buffer.alloc(Math.min(size, chunkBytes));
  const from = size - tail.length;
  const { bytesRead } = await handle.read(tail, 0, tail.length, from);
  const last = tail.subarray(0, bytesRead).lastIndexOf(newline);
  return last === -1 ? 0 : from + last + 1;
}

/** Calls back for each line with where it lies in a buffer, which is used again afterwards. */
export async function scanLines(
  { file, end, from = 0 }: LedgerExtent & { readonly from?: number },
  onLine: (bytes: Buffer, start: number, end: number, line: number) => void,
): Promise<void> {
  const handle = await open(file);
  let buffer = Buffer.allocUnsafe(chunkBytes);
  let kept = 0;
  let line = 0;
  try {
    for (let at = from; at < end; ) {
      if (kept === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
      const { bytesRead } = await handle.read(buffer, kept, Math.min(buffer.length - kept, end - at), at);
      if (bytesRead === 0) break;
      at += bytesRead;
      const filled = kept + bytesRead;
      let start = 0;
      for (;;) {
        const stop = buffer.indexOf(newline, start);
        if (stop === -1 || stop >= filled) break;
        line += 1;
        onLine(buffer, start, stop, line);
        start = stop + 1;
      }
      buffer.copyWithin(0, start, filled);
      kept = filled - start;
    }
  } finally {
    await handle.close();
  }
}

/** By the last letters of the session's id, which are random in every kind of uuid. Lines `without` a session say nothing. */
async function divide(
  ledgers: readonly LedgerExtent[],
  { count, folder, without }: { count: number; folder: string; without: PieceReader },
): Promise<string[]> {
  const bufferBytes = Math.floor(gathered / count);
  const writers = Array.from(
    { length: count },
    (_, index) => new PieceWriter(join(folder, String(index)), bufferBytes),
  );
  try {
    for (const [ledger, extent] of ledgers.entries()) {
      await scanLines(extent, (bytes, start, end, line) => {
        const key = bytes.indexOf(sessionKey, start);
        if (key === -1 || key >= end) {
          without.add({ ledger, line }, bytes.toString('utf8', start, end));
          return;
        }
        const close = bytes.indexOf(quote, key + sessionKey.length);
        const hash = ((bytes[close - 1] ?? 0) * 31 + (bytes[close - 2] ?? 0)) * 31 + (bytes[close - 3] ?? 0);
        writers[hash % count]?.write(`${ledger} ${line} `, bytes, start, end + 1);
      });
    }
    for (const writer of writers) writer.flush();
  } finally {
    for (const writer of writers) writer.close();
  }
  return writers.map(({ file }) => file);
}

/** A line of a piece is one of a ledger, after its place: "0 17 {...}". */
class PieceWriter {
  readonly file: string;
  readonly #descriptor: number;
  readonly #buffer: Buffer;
  #filled = 0;

  constructor(file: string, bufferBytes: number) {
    this.file = file;
    this.#buffer = Buffer.allocUnsafe(bufferBytes);
    this.#descriptor = openSync(file, 'w', 0o600);
  }

  write(place: string, bytes: Buffer, start: number, end: number): void {
    const length = place.length + end - start;
    if (this.#filled + length > this.#buffer.length) this.flush();
    if (length > this.#buffer.length) {
      this.#append(Buffer.concat([Buffer.from(place), bytes.subarray(start, end)]));
      return;
    }
    this.#filled += this.#buffer.write(place, this.#filled, 'latin1');
    this.#filled += bytes.copy(this.#buffer, this.#filled, start, end);
  }

  flush(): void {
    this.#append(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #append(bytes: Uint8Array): void {
    try {
      for (let written = 0; written < bytes.length; )
        written += writeSync(this.#descriptor, bytes, written, bytes.length - written);
    } catch (cause) {
      throw new Undetermined(`the ledger cannot be divided: ${messageOf(cause)}`, {
        cause,
        hint: `as much room as the ledger takes is needed in ${dirname(dirname(this.file))}`,
      });
    }
  }
}

class PieceReader {
  readonly lines: PlacedLine[] = [];
  readonly damaged: LinePlace[] = [];

  add(place: LinePlace, text: string): void {
    const line = parseLedgerLine(text);
    if (line !== undefined) this.lines.push({ place, line });
    else if (isDamagedLine(text)) this.damaged.push(place);
  }
}

async function readPiece(file: string): Promise<PieceReader> {
  const piece = new PieceReader();
  const { size } = await stat(file);
  await scanLines({ file, end: size }, (bytes, start, end) => {
    const text = bytes.toString('utf8', start, end);
    const first = text.indexOf(' ');
    const second = text.indexOf(' ', first + 1);
    const place = { ledger: Number(text.slice(0, first)), line: Number(text.slice(first + 1, second)) };
    piece.add(place, text.slice(second + 1));
  });
  return piece;
}
