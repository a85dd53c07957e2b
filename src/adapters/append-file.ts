import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Appends one line and returns when it is on disk. A last line that a crash has cut off is closed first, so that
 * it cannot swallow the new one.
 */
export async function appendLine(file: string, line: string, mode = 0o600): Promise<void> {
  const handle = await open(file, 'a+', mode);
  try {
    const start = (await endsWithNewline(handle)) ? '' : '\n';
    await handle.appendFile(`${start}${line}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function endsWithNewline(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return true;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

/** Makes the names in a folder survive a power cut, as fsync of a file does for its content. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Another text in the place of the file; a power cut leaves the old one or the new one. */
export async function replaceOnDisk(file: string, text: string, mode = 0o600): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(draft, 'w', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(file));
}
