import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFromEnvFile, setInEnvFile, withVariable } from '../../src/adapters/env-file.ts';
import { backupOf } from '../../src/adapters/replace-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-env-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const change = (text: string, value: string | undefined) => withVariable(text, 'EXAM_MODE', value, '.env');

describe('an env file', () => {
  it.each([
    ['with the variable', '# mode\nEXAM_MODE=false\nOTHER=1\n', 'false'],
    ['with quotes and odd spaces', 'A=1\r\n  export EXAM_MODE = "false"\nB=2', ' "false"'],
    ['edited on Windows', '# mode\r\nEXAM_MODE=false\r\nTAG=7\r\n', 'false'],
    ['without it', 'OTHER=1\n', undefined],
    ['without it, edited on Windows', 'OTHER=1\r\n', undefined],
    ['without it and without a last line break', 'OTHER=1', undefined],
    ['that is empty', '', undefined],
    ['that only names it in a comment', '#EXAM_MODE=false\nMY_EXAM_MODE=2\n', undefined],
  ])('%s is the same, byte for byte, when it is set back', (_, text, before) => {
    const changed = change(text, 'true');

    expect(changed).toMatch(/^\s*(export )?EXAM_MODE ?=true\r?$/m);
    expect(change(changed, before)).toBe(text);
  });

  it('that was edited on Windows is read without the end of its line', () => {
    const file = join(folder, '.env');
    writeFileSync(file, 'EXAM_MODE=false\r\nTAG=7\r\n');
    expect(readFromEnvFile(file, 'EXAM_MODE')).toBe('false');
    setInEnvFile(file, 'EXAM_MODE', 'true');
    expect(readFileSync(file, 'utf8')).toBe('EXAM_MODE=true\r\nTAG=7\r\n');
    setInEnvFile(file, 'EXAM_MODE', 'false');
    expect(readFileSync(file, 'utf8')).toBe('EXAM_MODE=false\r\nTAG=7\r\n');
  });

  it('is left alone by taking out what is not in it', () => {
    expect(change('A=1', undefined)).toBe('A=1');
  });

  it('with the variable in two lines is not changed, and the lines are named', () => {
    expect(() => change('EXAM_MODE=false\nA=1\nEXAM_MODE=true\n', 'true')).toThrow(
      '.env sets EXAM_MODE in 2 lines: 1, 3',
    );
  });

  it.each([
    ['A\nB', 'true'],
    ['EXAM_MODE', 'true\nROOT=1'],
  ])('holds no %j=%j', (name, value) => {
    expect(() => withVariable('', name, value, '.env')).toThrow('cannot hold');
  });

  it('is kept beside the changed one until it is set back', () => {
    const file = join(folder, '.env');
    writeFileSync(file, 'EXAM_MODE="false"\nTAG=1\n', { mode: 0o644 });
    const kept = () => (existsSync(backupOf(file)) ? readFileSync(backupOf(file), 'utf8') : null);

    setInEnvFile(file, 'EXAM_MODE', 'true');
    expect(kept()).toBe('EXAM_MODE="false"\nTAG=1\n');
    setInEnvFile(file, 'EXAM_MODE', 'true');
    expect(kept()).toBe('EXAM_MODE="false"\nTAG=1\n');
    setInEnvFile(file, 'TAG', '2');
    expect(kept()).toBe('EXAM_MODE=true\nTAG=1\n');

    setInEnvFile(file, 'TAG', '1');
    expect(kept()).toBeNull();
    setInEnvFile(file, 'EXAM_MODE', '"false"');
    expect(readFileSync(file, 'utf8')).toBe('EXAM_MODE="false"\nTAG=1\n');
  });

  it('on disk is read and written, and missing it is told with its path', () => {
    const file = join(folder, '.env');
    writeFileSync(file, 'EXAM_MODE=false\n');

    setInEnvFile(file, 'EXAM_MODE', 'true');

    expect(readFileSync(file, 'utf8')).toBe('EXAM_MODE=true\n');
    expect(readFromEnvFile(file, 'EXAM_MODE')).toBe('true');
    expect(readFromEnvFile(file, 'OTHER')).toBeUndefined();
    expect(() => setInEnvFile(join(folder, 'none'), 'EXAM_MODE', 'true')).toThrow(
      `no env file ${join(folder, 'none')}`,
    );
  });
});
