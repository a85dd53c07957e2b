import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CheckHistory } from '../../src/adapters/check-history.ts';
import { RunFolders } from '../../src/adapters/run-folders.ts';
import { secondsBefore } from '../../src/commands/check-history.ts';
import { makeContext } from '../../src/main/context.ts';
import { remedyFor } from '../../src/main/explain-error.ts';
import type { ProgramOptions } from '../../src/main/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'examctl-unwritable-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Nothing can be made there, by root neither. */
const unwritable = '/proc/examctl-state';

describe('a state folder that cannot be written', () => {
  it('costs a question no more than the pseudonyms that other reports have, and says so', async () => {
    const notes: string[] = [];
    const context = makeContext(() => ({ state: unwritable }) as ProgramOptions, {
      env: {},
      cwd: folder,
      progress: { note: (text: string) => notes.push(text) },
    } as unknown as Parameters<typeof makeContext>[1]);
    expect(await context.pseudonymSalt('prod')).toMatch(/^[0-9a-f]{64}$/);
    expect(notes).toEqual([
      expect.stringMatching(/^warning: the pseudonyms of this report are its own.*ENOENT/),
    ]);
  });

  it('holds no runs and no results', () => {
    expect(new RunFolders(unwritable).list()).toEqual([]);
    expect(new RunFolders(unwritable).open()).toEqual([]);
    const history = new CheckHistory(unwritable);
    expect(secondsBefore('prod', null, { history })(['lost-answers'])).toBeUndefined();
  });
});

describe("another user's folder", () => {
  const failed = (path: string) => Object.assign(new Error('no'), { code: 'EACCES', path });

  it('is not to be got round by another folder, in which its runs are not seen', () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(other, 54321, 54321);
    expect(remedyFor(failed(isRoot ? other : '/root'))).toMatch(
      /^it belongs to another user \(uid (0|54321)\)/,
    );
  });

  it('is told from one that is not there and cannot be made', () => {
    const own = join(folder, 'own');
    mkdirSync(own);
    chmodSync(own, 0o500);
    expect(remedyFor(failed(own))).toContain('choose another one');
    expect(remedyFor(failed('/nonexistent/examctl'))).toContain('choose another one');
  });
});
