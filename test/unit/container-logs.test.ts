import { describe, expect, it } from 'vitest';
import { linesOf } from '../../src/adapters/docker/container-logs.ts';

const time = '2026-05-04T09:00:00.123456789Z';
const later = '2026-05-04T09:00:01.000000000Z';

function frame(stream: 1 | 2 | 3, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

async function* inPieces(bytes: Buffer, size: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, { terminal = false, size = bytes.length } = {}) {
  const lines = [];
  for await (const line of linesOf(inPieces(bytes, size), { terminal })) lines.push(line);
  return lines;
}

describe('the log of a container', () => {
  const both = Buffer.concat([
    frame(1, `${time} one\n`),
    frame(2, `${later} two\r\n`),
    frame(1, `${later} \n`),
  ]);

  it('that the engine cannot read on is no end of it, and its words are no line', async () => {
    const broken = Buffer.concat([
      frame(1, `${time} one\n`),
      frame(3, 'error grabbing logs: invalid character'),
    ]);
    await expect(read(broken)).rejects.toThrow('could not read the log to its end: error grabbing logs');
  });

  it.each([1, 7, 8, 9, 1_000])(
    'is read in lines of both streams, however it is cut (%i bytes)',
    async (size) => {
      expect(await read(both, { size })).toEqual([
        { stream: 'stdout', at: new Date(time), text: 'one' },
        { stream: 'stderr', at: new Date(later), text: 'two' },
        { stream: 'stdout', at: new Date(later), text: '' },
      ]);
    },
  );

  it('joins a line that was cut within a character, with another stream in between', async () => {
    const [first, second] = [Buffer.from('ä').subarray(0, 1), Buffer.from('ä').subarray(1)];
    const bytes = Buffer.concat([
      frame(1, Buffer.concat([Buffer.from(`${time} long `), first])),
      frame(2, `${time} between\n`),
      frame(1, Buffer.concat([Buffer.from(`${later} `), second, Buffer.from(' end\n')])),
    ]);

    expect((await read(bytes)).map(({ text }) => text)).toEqual(['between', 'long ä end']);
  });

  it('gives the last line also when it is not finished', async () => {
    expect(await read(frame(1, `${time} dying wor`))).toMatchObject([{ text: 'dying wor' }]);
  });

  it.each([1, 5, 1_000])('of a container with a terminal has no frames (%i bytes)', async (size) => {
    const bytes = Buffer.from(`${time} ä one\r\n${later} two\r\n`);

    expect((await read(bytes, { terminal: true, size })).map(({ text }) => text)).toEqual(['ä one', 'two']);
  });
});
