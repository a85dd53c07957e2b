import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Examctl } from '../support/examctl.ts';

const examctl = new Examctl();
let cache: string;
const caches: string[] = [];
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'examctl-compiled-'));
  caches.push(cache);
});
afterAll(async () => {
  await examctl.remove();
  for (const folder of caches) rmSync(folder, { recursive: true, force: true });
});

async function explain(): Promise<string> {
  const { stdout, stderr, exitCode } = await examctl.start(['explain', '6'], { XDG_CACHE_HOME: cache }).ended;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

/** the compiled main.cjs, and when it was written */
function compiled(): { file: string; written: number } {
  const all = join(cache, process.platform === 'darwin' ? '' : 'examctl', 'compiled');
  const [installation = ''] = readdirSync(all);
  const [name = ''] = readdirSync(join(all, installation)).filter((entry) => entry.startsWith('main.cjs'));
  const file = join(all, installation, name);
  return { file, written: statSync(file).mtimeMs };
}

describe.skipIf(process.platform === 'darwin')('what V8 made of the command', () => {
  it('is kept, and is used by the next command', async () => {
    const said = await explain();
    const { file, written } = compiled();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await explain()).toBe(said);
    expect(compiled()).toEqual({ file, written });
  });

  it('is made again when it is damaged, or when others could have written it', async () => {
    const said = await explain();
    const { file } = compiled();
    const sound = readFileSync(file);
    writeFileSync(file, sound.subarray(0, 1000));
    expect(await explain()).toBe(said);
    expect(readFileSync(file).length).toBeGreaterThan(1000);

    chmodSync(file, 0o666);
    expect(await explain()).toBe(said);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is not needed: a cache that cannot be a folder costs only time', async () => {
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, 'examctl'), 'a file');
    expect(await explain()).toContain('NOT reverted');
  });
});
