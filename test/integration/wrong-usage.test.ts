import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { traitsOf } from '../../src/commands/traits.ts';
import { makeContext } from '../../src/main/context.ts';
import { commandLoaders } from '../../src/main/load-command.ts';
import { globalProgram, type ProgramOptions } from '../../src/main/program.ts';
import { main } from '../../src/main.ts';

/** What a command needs to be started; the others need nothing. */
const needed: Readonly<Record<string, readonly string[]>> = {
  'audit redact': ['1'],
  'fault inject': ['redis-hang'],
  'load run': ['answers'],
  'sandbox break': ['lost-answers'],
  'sandbox plant': ['lost-answers'],
  'services start': ['cache'],
  'services stop': ['cache'],
  'services restart': ['cache'],
  'services rollback': ['backend'],
};

let folder: string;
let state: string;
let printed = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-usage-'));
  state = join(folder, 'state');
  const environment = '{ platform: exam-platform, driver: { kind: sandbox } }';
  writeFileSync(join(folder, 'examctl.yaml'), `environments: { sandbox: ${environment} }\n`);
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  printed = '';
});

function keep(text: unknown, ...rest: unknown[]): boolean {
  printed += text;
  for (const callback of rest) if (typeof callback === 'function') callback();
  return true;
}

const examctl = (...args: string[]) =>
  main(
    ['node', 'examctl', ...args, '--state', state, '--config', join(folder, 'examctl.yaml')],
    () => undefined as never,
  );

/** Of all commands those that change something. */
async function changing(): Promise<{ name: string; command: Command }[]> {
  const program = globalProgram();
  const context = makeContext(() => program.opts<ProgramOptions>(), {
    env: process.env,
    cwd: folder,
    stdout: process.stdout,
    stderr: process.stderr,
    interactive: false,
    program: [],
    signal: new AbortController().signal,
    setExitCode: () => undefined,
  });
  const all: { name: string; command: Command }[] = [];
  const walk = (command: Command, above: string) => {
    const name = `${above} ${command.name()}`.trim();
    if (traitsOf(command).changes) all.push({ name, command });
    for (const child of command.commands) walk(child, name);
  };
  for (const load of Object.values(commandLoaders)) walk(await load(context), '');
  return all;
}

const commands = await changing();

describe('a command that changes something, and is called in a wrong way, does nothing', () => {
  it('of which there are many', () => {
    expect(commands.length).toBeGreaterThan(18);
    for (const { name, command } of commands)
      expect(command.registeredArguments.filter(({ required }) => required).length, name).toBe(
        needed[name]?.length ?? 0,
      );
  });

  it.each(commands)('$name', async ({ name, command }) => {
    const { dryRun, judges } = traitsOf(command);
    const line = [...name.split(' '), ...(needed[name] ?? [])];
    const wrong: string[][] = [
      ['-o', 'jsno'],
      ['--output', ''],
      ['--no-such-flag'],
      ['--timeout', 'soon'],
      ['one', 'too', 'many'],
      ...(dryRun ? [] : [['--dry-run']]),
      ...(judges
        ? []
        : [
            ['-o', 'junit'],
            ['-o', 'github'],
          ]),
      ...(name.startsWith('sandbox') || name === 'recover' ? [] : [['-e', 'stagign']]),
    ];
    for (const more of wrong) {
      printed = '';
      const exitCode = await examctl(...line, ...more);
      expect(exitCode, `${more.join(' ')}: ${printed}`).toBe(2);
      expect(printed).toMatch(/^error: /m);
    }
    if (needed[name] !== undefined) {
      expect(await examctl(...name.split(' '))).toBe(2);
      expect(await examctl(...name.split(' '), 'no-such-thing')).toBe(2);
    }
    expect(existsSync(state) ? readdirSync(state) : []).toEqual([]);
  });

  it('and one document on stdout says why, for scripts', async () => {
    for (const format of ['json', 'ndjson']) {
      printed = '';
      expect(await examctl('fault', 'inject', 'redis-hung', '-o', format)).toBe(2);
      const documents = printed.split('\n').filter((text) => text.startsWith('{'));
      expect(documents.map((text) => JSON.parse(text))).toEqual([
        {
          schema: 'examctl/error/v1',
          error: {
            kind: 'UsageError',
            message: 'there is no fault "redis-hung"',
            hint: expect.stringContaining('redis-hang'),
          },
          exitCode: 2,
          runs: [],
        },
      ]);
    }
  });
});
