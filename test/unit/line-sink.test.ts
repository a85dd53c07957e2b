import { execFileSync, spawn } from 'node:child_process';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileSinkOptions, sinkToFile } from '../../src/adapters/line-sink.ts';
import { UsageError } from '../../src/lifecycle/errors.ts';
import { makeDevice, mountSmallDisk } from '../support/special-files.ts';

describe('lines into what a user names', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-sink-'));
    file = join(folder, 'lines');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const options = (more: Partial<FileSinkOptions> = {}): FileSinkOptions => ({
    streams: [],
    signal: new AbortController().signal,
    ...more,
  });
  const write = async (complete = true, more: Partial<FileSinkOptions> = {}) => {
    const sink = await sinkToFile(file, options(more));
    try {
      await sink.write('one\n');
      await sink.write('two\n');
    } finally {
      await sink.close(complete);
    }
  };

  it('a file is there when all of it is, for its owner alone', async () => {
    const sink = await sinkToFile(file, options());
    await sink.write('one\n');
    expect(existsSync(file)).toBe(false);
    await sink.close(true);

    expect(readFileSync(file, 'utf8')).toBe('one\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['lines']);
  });

  it('a file keeps its old content when not all could be written', async () => {
    writeFileSync(file, 'old');
    await write(false);

    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['lines']);
  });

  it.each([true, false])(
    'a symbolic link stays one, and its target is written (there: %s)',
    async (there) => {
      mkdirSync(join(folder, 'far'));
      const target = join(folder, 'far', 'target');
      if (there) writeFileSync(target, 'old');
      symlinkSync('far/target', file);
      await write();

      expect(lstatSync(file).isSymbolicLink()).toBe(true);
      expect(readFileSync(target, 'utf8')).toBe('one\ntwo\n');
      expect(readdirSync(folder).sort()).toEqual(['far', 'lines']);
      expect(readdirSync(join(folder, 'far'))).toEqual(['target']);
    },
  );

  it('a FIFO stays one, and its reader gets the lines', async () => {
    execFileSync('mkfifo', [file]);
    const reader = spawn('cat', [file]);
    const [read] = await Promise.all([text(reader.stdout), write()]);

    expect(read).toBe('one\ntwo\n');
    expect(lstatSync(file).isFIFO()).toBe(true);
    expect(readdirSync(folder)).toEqual(['lines']);
  });

  it('a slow reader of a FIFO gets more than a pipe holds', async () => {
    execFileSync('mkfifo', [file]);
    const reader = spawn('sh', ['-c', `sleep 0.3; cat '${file}' | wc -c`]);
    const counted = text(reader.stdout);
    const sink = await sinkToFile(file, options());
    for (let part = 0; part < 20; part += 1) expect(await sink.write('x'.repeat(50_000))).toBe(true);
    await sink.close(true);

    expect((await counted).trim()).toBe('1000000');
  });

  it('a FIFO whose reader is gone takes no more lines, which is no error', async () => {
    execFileSync('mkfifo', [file]);
    const reader = spawn('head', ['-1', file]);
    const sink = await sinkToFile(file, options());
    const closed = new Promise((resolve) => reader.once('close', resolve));
    await sink.write('one\n');
    await closed;

    expect(await sink.write('two\n')).toBe(false);
    await sink.close(true);
  });

  it('a FIFO that nobody reads is waited for, until the command is interrupted', async () => {
    execFileSync('mkfifo', [file]);
    const abort = new AbortController();
    const reason = new UsageError('Ctrl-C');
    let waits = 0;
    const onWait = () => {
      waits += 1;
      setTimeout(() => abort.abort(reason), 200);
    };

    await expect(sinkToFile(file, options({ signal: abort.signal, onWait }))).rejects.toBe(reason);
    expect(waits).toBe(1);
  });

  it('a device stays one, and nothing is left beside it', async ({ skip }) => {
    const refused = makeDevice(file, 'null');
    skip(refused !== null, String(refused));
    const { rdev, ino } = lstatSync(file);
    await write();

    expect(lstatSync(file)).toMatchObject({ rdev, ino });
    expect(lstatSync(file).isCharacterDevice()).toBe(true);
    expect(readdirSync(folder)).toEqual(['lines']);
  });

  it('a symbolic link to a device leaves both as they are', async ({ skip }) => {
    const device = join(folder, 'device');
    const refused = makeDevice(device, 'null');
    skip(refused !== null, String(refused));
    symlinkSync(device, file);
    await write();

    expect(lstatSync(device).isCharacterDevice()).toBe(true);
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
  });

  it('a device without room says so', async ({ skip }) => {
    const refused = makeDevice(file, 'full');
    skip(refused !== null, String(refused));

    await expect(write()).rejects.toThrow('no space left on device');
  });

  it('a full disk says so, and keeps nothing of it', async ({ skip }) => {
    const disk = mountSmallDisk(folder);
    skip(typeof disk === 'string', String(disk));
    if (typeof disk === 'string') return;
    try {
      const sink = await sinkToFile(file, options());
      await expect(sink.write('x'.repeat(1_000_000))).rejects.toThrow('no space left on device');
      await sink.close(false);

      expect(readdirSync(folder)).toEqual([]);
    } finally {
      disk.unmount();
    }
  });

  it('what this process writes to already is written through there, and not replaced', async () => {
    const stream = createWriteStream(file);
    await new Promise((resolve) => stream.once('open', resolve));
    stream.write('zero\n');
    await write(true, { streams: [stream as unknown as NodeJS.WriteStream] });
    stream.write('three\n');
    await new Promise<void>((resolve) => stream.end(() => resolve()));

    expect(await text(createReadStream(file))).toBe('zero\none\ntwo\nthree\n');
  });

  it('a folder is refused, and nothing is left in or beside it', async () => {
    mkdirSync(file);

    const opening = sinkToFile(file, options());

    await expect(opening).rejects.toThrow(UsageError);
    await expect(opening).rejects.toThrow('is a folder');
    expect(readdirSync(folder)).toEqual(['lines']);
    expect(readdirSync(file)).toEqual([]);
  });

  it('a file that became a folder meanwhile is an error, and nothing is left beside it', async () => {
    const sink = await sinkToFile(file, options());
    await sink.write('one\n');
    mkdirSync(file);

    await expect(sink.close(true)).rejects.toThrow('EISDIR');
    expect(readdirSync(folder)).toEqual(['lines']);
  });
});
