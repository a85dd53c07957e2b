import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolder } from '../../src/adapters/files.ts';

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
