import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';
import { hasShape } from './has-shape.ts';

/** Readers see the old content or the new, never a part. What is there already keeps its mode and its owner. */
export function writeFileAtomic(file: string, text: string, mode = 0o600): void {
  const target = replaceableFile(file);
  if (target === null) {
    writeFileSync(file, text);
    return;
  }
  const draft = `${target}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    writeFileSync(draft, text, { mode });
    keepAccess(draft, target);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Whoever could read it before still can: an env file belongs to the account that deploys. */
function keepAccess(draft: string, target: string): void {
  const before = statSync(target, { throwIfNoEntry: false });
  if (before === undefined) return;
  const { uid, gid } = statSync(draft);
  // Only root may give files away; another account that may write here keeps what it wrote.
  if ((before.uid !== uid || before.gid !== gid) && process.geteuid?.() === 0)
    chownSync(draft, before.uid, before.gid);
  chmodSync(draft, before.mode & 0o7777);
}

/**
 * The file that a rename may replace: where symbolic links lead to, there or not. Null for a FIFO or a device, which
 * must be written itself: to replace /dev/null would break the machine.
 */
export function replaceableFile(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return throughLink(file);
  if (found.isFIFO() || found.isCharacterDevice()) return null;
  if (found.isFile()) return realpathSync(file);
  if (found.isDirectory()) throw notWritable('EISDIR', `${file} is a folder`);
  throw notWritable('EINVAL', `${file} is a ${found.isSocket() ? 'socket' : 'disk'}, and no file`);
}

/** Of something that is not there: where a link of that name leads. */
function throughLink(file: string): string {
  if (!lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink()) return file;
  return throughLink(resolve(dirname(file), readlinkSync(file)));
}

function notWritable(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

export function writeJson(file: string, value: unknown): void {
  writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Undefined when there is no such file. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** None when there is no such folder; one that cannot be read is an error, as it may hold what matters. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined when there is no such file. */
export function readJson<T>(file: string, sample?: unknown): T | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw damaged(file, messageOf(cause), cause);
  }
  if (sample === undefined || hasShape(content, sample)) return content as T;
  throw damaged(file, 'it has not what examctl writes into it');
}

function damaged(file: string, why: string, cause?: unknown): Undetermined {
  return new Undetermined(`${file} cannot be understood: ${why}`, {
    hint: 'see what it is about, and move it away when nothing of it is needed',
    cause,
  });
}

/** The end of a text file, without its empty lines; none when there is no such file. */
export function lastLines(file: string, count: number): string[] {
  const tailBytes = 16_384;
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    const { size } = fstatSync(handle);
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    readSync(handle, buffer, 0, buffer.length, size - buffer.length);
    return buffer
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-count);
  } finally {
    closeSync(handle);
  }
}

/** Like mkdir -p. Not Node's own `recursive`, which spins for ever below a folder that takes no folders, like /proc. */
export function makeFolder(folder: string, mode = 0o700): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder), mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // made by another process meanwhile
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
