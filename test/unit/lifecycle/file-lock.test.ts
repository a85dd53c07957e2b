import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withFileLock } from '../../../src/adapters/file-lock.ts';
import { packageRoot } from '../../../src/adapters/package-root.ts';
import { identify, type ProcessIdentity, untilGone } from '../../../src/adapters/processes.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-file-lock-'));
  file = join(folder, 'deep', 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

const nothing = async () => undefined;
const left = () => readdirSync(join(folder, 'deep'));

async function livingProcess() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  const identity = identify(child.pid ?? 0) as ProcessIdentity;
  const end = async () => {
    child.kill('SIGKILL');
    await untilGone(identity, 5_000);
  };
  return { identity, end };
}

describe('a file lock', () => {
  it('gives back what the action gives, and is gone afterwards', async () => {
    expect(await withFileLock(file, async () => existsSync(file))).toBe(true);
    expect(left()).toEqual([]);
  });

  it('is gone after the action has thrown, too', async () => {
    const failing = async () => {
      throw new Error('the action failed');
    };
    await expect(withFileLock(file, failing)).rejects.toThrow('the action failed');
    expect(left()).toEqual([]);
  });

  it('lets one in at a time', async () => {
    let inside = 0;
    let most = 0;
    let count = 0;
    const action = async () => {
      inside += 1;
      most = Math.max(most, inside);
      const read = count;
      await sleep(2);
      count = read + 1;
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 20 }, () => withFileLock(file, action)));
    expect({ most, count }).toEqual({ most: 1, count: 20 });
    expect(left()).toEqual([]);
  });

  it('lets one process in at a time', { timeout: 30_000 }, async () => {
    const counter = join(folder, 'counter');
    writeFileSync(counter, '0');
    const script = `
      const { withFileLock } = await import('${join(packageRoot(), 'src/adapters/file-lock.ts')}');
      const { readFileSync, writeFileSync } = await import('node:fs');
      for (let turn = 0; turn < 25; turn += 1)
        await withFileLock(${JSON.stringify(file)}, async () => {
          const read = Number(readFileSync(${JSON.stringify(counter)}, 'utf8'));
          await new Promise((resolve) => setTimeout(resolve, 1));
          writeFileSync(${JSON.stringify(counter)}, String(read + 1));
        });`;
    const flags = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script];
    const codes = await Promise.all(
      [1, 2, 3].map(async () => {
        const [code] = await once(spawn(process.execPath, flags, { stdio: 'inherit' }), 'exit');
        return code;
      }),
    );
    expect(codes).toEqual([0, 0, 0]);
    expect(readFileSync(counter, 'utf8')).toBe('75');
  });

  it('of a process that has died is void at once', async () => {
    const holder = await livingProcess();
    await withFileLock(file, nothing);
    writeFileSync(file, JSON.stringify(holder.identity));
    await holder.end();
    expect(await withFileLock(file, async () => 'in', { patience: 0 })).toBe('in');
    expect(left()).toEqual([]);
  });

  it('of a process whose pid another one has by now is void', async () => {
    await withFileLock(file, nothing);
    writeFileSync(file, JSON.stringify({ pid: process.pid, startTime: 'before the last boot' }));
    expect(await withFileLock(file, async () => 'in', { patience: 0 })).toBe('in');
  });

  it('that a crash left empty is void', async () => {
    await withFileLock(file, nothing);
    writeFileSync(file, '');
    expect(await withFileLock(file, async () => 'in', { patience: 0 })).toBe('in');
  });

  it('of a dead process goes to one of many that find it', async () => {
    let inside = 0;
    let most = 0;
    const action = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(1);
      inside -= 1;
    };
    await withFileLock(file, nothing);
    for (let round = 0; round < 5; round += 1) {
      writeFileSync(file, JSON.stringify({ pid: process.pid, startTime: 'before the last boot' }));
      await Promise.all(Array.from({ length: 10 }, () => withFileLock(file, action)));
    }
    expect(most).toBe(1);
  });

  it('of a living process is waited for, and the waiting is told once', async () => {
    const holder = await livingProcess();
    try {
      await withFileLock(file, nothing);
      writeFileSync(file, JSON.stringify(holder.identity));
      const waits: ProcessIdentity[] = [];
      const waiting = withFileLock(file, async () => 'in', { onWait: (by) => waits.push(by) });
      await sleep(200);
      expect(waits).toEqual([holder.identity]);
      rmSync(file);
      expect(await waiting).toBe('in');
    } finally {
      await holder.end();
    }
  });

  it('of a living process is given up on after the patience, and names the holder', async () => {
    const holder = await livingProcess();
    try {
      await withFileLock(file, nothing);
      writeFileSync(file, JSON.stringify(holder.identity));
      await expect(withFileLock(file, nothing, { patience: 100 })).rejects.toThrow(
        `${file} has been held for 0.1 s by process ${holder.identity.pid}`,
      );
      expect(existsSync(file)).toBe(true);
    } finally {
      await holder.end();
    }
  });

  it('is not waited for any longer once the command is interrupted', async () => {
    const holder = await livingProcess();
    try {
      await withFileLock(file, nothing);
      writeFileSync(file, JSON.stringify(holder.identity));
      const waiting = withFileLock(file, nothing, { signal: AbortSignal.timeout(50) });
      await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    } finally {
      await holder.end();
    }
  });
});
