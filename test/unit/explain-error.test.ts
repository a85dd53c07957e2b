import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  ConfigError,
  Interrupted,
  OperationFailed,
  Refused,
  Undetermined,
  UsageError,
} from '../../src/lifecycle/errors.ts';
import { exitCodes } from '../../src/lifecycle/exit-codes.ts';
import { explainError } from '../../src/main/explain-error.ts';

const systemError = (code: string) => Object.assign(new Error(`${code}: no way, write '/state'`), { code });

const known: [Error, number][] = [
  [new UsageError('no such flag'), 2],
  [new ConfigError('no such key'), 2],
  [new Undetermined('no answer'), 3],
  [new Refused('not now'), 4],
  [new OperationFailed('it failed', { reverted: true }), 5],
  [new OperationFailed('it failed', { reverted: false }), 6],
  [new Interrupted('SIGINT'), 130],
  [new Interrupted('SIGTERM'), 143],
  [new Interrupted('SIGHUP'), 143],
];

describe('a known error', () => {
  it.each(known)('%s has its exit code and no stack', (error, exitCode) => {
    expect(explainError(error, false)).toEqual({ exitCode, text: error.message });
  });

  it.each(known)('%s has an exit code that `examctl explain` explains', (error) => {
    expect(exitCodes.map(({ code }) => code)).toContain(explainError(error, false).exitCode);
  });

  it('has its hint below it, each line indented', () => {
    const error = new Refused('not now', { hint: 'wait\nor ask' });
    expect(explainError(error, false).text).toBe('not now\n  wait\n  or ask');
  });

  it('shows its stack with --debug only', () => {
    const error = new UsageError('no such flag', { hint: 'another' });
    expect(explainError(error, true).text).toMatch(
      /^no such flag\n {2}another\nUsageError: no such flag\n +at /,
    );
  });
});

describe('an error of the system that a person can mend', () => {
  it.each([
    ['ENOSPC', 'the disk is full'],
    ['EDQUOT', 'quota'],
    ['EACCES', '--state DIR'],
    ['EROFS', 'read-only'],
    ['ENOTDIR', 'is a file'],
    ['EEXIST', 'a file is where a folder is needed'],
    ['EMFILE', 'ulimit -n'],
    ['EPERM', 'not permitted'],
  ])('%s is no bug: it says what is wrong and what to do', (code, remedy) => {
    const { exitCode, text } = explainError(systemError(code), false);
    expect(exitCode).toBe(3);
    expect(text).toContain(`${code}: no way, write '/state'`);
    expect(text).toContain(remedy);
    expect(text).not.toMatch(/bug|\n +at /);
  });
});

describe('what somebody else answered', () => {
  it.each([
    [
      'PostgreSQL',
      { code: '25006', severity: 'ERROR' },
      'PostgreSQL did not carry it out: odd token=*** (25006)',
    ],
    ['the system', { code: 'ECONNRESET', syscall: 'read' }, 'odd token=***'],
    ['a server', { code: 'UND_ERR_SOCKET' }, 'odd token=***'],
  ])('is no bug, however odd: %s', (_, properties, message) => {
    const { exitCode, text } = explainError(Object.assign(new Error('odd token=abc'), properties), false);
    expect(exitCode).toBe(3);
    expect(text).toContain(message);
    expect(text).not.toContain('a bug');
  });
});

describe('anything else', () => {
  it.each([
    [new TypeError('x is not a function'), 'x is not a function'],
    [systemError('EWEIRD'), 'EWEIRD'],
    ['a thrown text', 'a thrown text'],
    [undefined, 'undefined'],
    [null, 'null'],
  ])('(%s) is a bug of examctl: 70', (error, message) => {
    const { exitCode, text } = explainError(error, false);
    expect(exitCode).toBe(70);
    expect(text).toContain('a bug in examctl');
    expect(text).toContain(message);
    expect(text).toContain('--debug');
    expect(text).not.toMatch(/\n +at /);
  });

  it('shows its stack with --debug', () => {
    expect(explainError(new TypeError('x'), true).text).toMatch(/TypeError: x\n +at /);
  });
});

describe('what commander throws', () => {
  const thrownBy = (...args: string[]): unknown => {
    try {
      new Command('x')
        .exitOverride()
        .configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
        .parse(args, { from: 'user' });
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('is wrong usage, about which commander itself has said everything', () => {
    expect(explainError(thrownBy('--nonsense'), false)).toEqual({ exitCode: 2, text: '' });
  });

  it('is no error when help was asked for', () => {
    expect(explainError(thrownBy('--help'), false)).toEqual({ exitCode: 0, text: '' });
  });
});
