import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
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
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolder, writeFileAtomic } from '../../src/adapters/files.ts';
import { makeDevice } from '../support/special-files.ts';

const base = mkdtempSync(join(tmpdir(), 'examctl-files-'));
afterAll(() => rmSync(base, { recursive: true }));

describe('a folder', () => {
  it('is made with those above it, for its owner alone', () => {
    const folder = join(base, 'a', 'b', 'c');
    makeFolder(folder);
    makeFolder(folder);
    expect(existsSync(folder)).toBe(true);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it.runIf(process.platform === 'linux')('fails at once where none can be made', () => {
    expect(() => makeFolder('/proc/nonexistent/examctl')).toThrow(/ENOENT/);
  });
});

describe('the access to a file that is replaced', () => {
  it('stays as it was; a new file is for its owner alone', () => {
    const file = join(base, 'shared.env');
    writeFileAtomic(file, 'A=1\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o664);

    writeFileAtomic(file, 'A=2\n');

    expect(readFileSync(file, 'utf8')).toBe('A=2\n');
    expect(statSync(file).mode & 0o777).toBe(0o664);
  });

  it.runIf(process.getuid?.() === 0)('stays that of its owner when root replaces it', () => {
    const file = join(base, 'deploy.env');
    writeFileAtomic(file, 'A=1\n');
    chownSync(file, 1234, 4321);

    writeFileAtomic(file, 'A=2\n');

    expect(statSync(file)).toMatchObject({ uid: 1234, gid: 4321 });
  });
});

describe('a file that is replaced as a whole', () => {
  const folderOf = (name: string) => {
    const folder = join(base, name);
    mkdirSync(folder);
    return folder;
  };

  it('is what a symbolic link leads to, there or not, and the link stays', () => {
    const folder = folderOf('links');
    writeFileSync(join(folder, 'there'), 'old');
    for (const target of ['there', 'new']) {
      const link = join(folder, `to-${target}`);
      symlinkSync(target, link);
      writeFileAtomic(link, target);

      expect(lstatSync(link).isSymbolicLink()).toBe(true);
      expect(readFileSync(join(folder, target), 'utf8')).toBe(target);
    }
    expect(readdirSync(folder).sort()).toEqual(['new', 'there', 'to-new', 'to-there']);
  });

  it('is never a FIFO, which is written', async () => {
    const fifo = join(folderOf('fifo'), 'lines');
    execFileSync('mkfifo', [fifo]);
    const reader = spawn('cat', [fifo]);
    writeFileAtomic(fifo, 'one');

    expect(await text(reader.stdout)).toBe('one');
    expect(lstatSync(fifo).isFIFO()).toBe(true);
  });

  it('is never a device, which is written', ({ skip }) => {
    const device = join(folderOf('device'), 'null');
    const refused = makeDevice(device, 'null');
    skip(refused !== null, String(refused));
    writeFileAtomic(device, 'one');

    expect(lstatSync(device).isCharacterDevice()).toBe(true);
    expect(readdirSync(join(base, 'device'))).toEqual(['null']);
  });

  it('is never a folder, and nothing is left beside it', () => {
    const folder = folderOf('folder');
    mkdirSync(join(folder, 'inner'));

    expect(() => writeFileAtomic(join(folder, 'inner'), 'one')).toThrow('is a folder');
    expect(readdirSync(folder)).toEqual(['inner']);
  });
});
