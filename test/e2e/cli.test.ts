import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { commandNames } from '../../src/commands/names.ts';
import { faults } from '../../src/faults/index.ts';
import { exitCodes } from '../../src/lifecycle/exit-codes.ts';
import { isTraversable, serverAccount } from '../../src/sandbox/account.ts';
import { type Ended, Examctl } from '../support/examctl.ts';
import { runHere } from '../support/run-here.ts';

let examctl: Examctl;

beforeEach(() => {
  examctl = new Examctl();
});
afterEach(() => {
  for (const folder of [examctl.state, examctl.cwd]) rmSync(folder, { recursive: true, force: true });
});

/** The first file of the command answers these by itself; all others are as well run here. */
const ofStart = ['', '--version', '-V', '--help', '-h', 'help'];
const run = (line: string) =>
  ofStart.includes(line) ? examctl.run(...words(line)) : runHere(examctl, ...words(line));
/** words, of which those in quotes hold blanks */
const words = (line: string) =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
const writeConfig = (text: string) => writeFileSync(join(examctl.cwd, 'examctl.yaml'), text);

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
const escapeCode = /\u001b/;
const stack = /\n\s+at \S+/;

/** The message is for the person who typed it: no stack, no escape codes, nothing on stdout. */
function expectMessage({ exitCode, stdout, stderr }: Ended, wanted: number, ...texts: string[]): void {
  expect(exitCode, stderr).toBe(wanted);
  for (const text of texts) expect(stderr).toContain(text);
  expect(stderr).not.toMatch(stack);
  expect(stderr).not.toMatch(escapeCode);
  expect(stdout).toBe('');
}

describe('examctl', () => {
  it('can be executed as it is checked out: npx keeps its link to a clone that was made anew', () => {
    expect(execFileSync(join(packageRoot(), 'bin/examctl.js'), ['--version'], { encoding: 'utf8' })).toMatch(
      /^\d+\./,
    );
  });

  it('prints its version', async () => {
    const { version } = createRequire(import.meta.url)('../../package.json');
    for (const flag of ['--version', '-V'])
      expect(await run(flag)).toMatchObject({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each(['--help', '-h', 'help'])('%s names every command with its summary', async (flag) => {
    const { exitCode, stdout, stderr } = await run(flag);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const text = stdout.replaceAll(/\s+/g, ' ');
    for (const [name, summary] of commandNames) expect(text).toContain(`${name} ${summary}`);
  });

  it('without an argument shows the help, and says by its exit code that nothing was done', async () => {
    const { exitCode, stdout } = await run('');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('examctl rehearse');
  });

  it('explains every exit code', async () => {
    expect((await run('explain 6')).stdout).toContain('NOT reverted');
    for (const { code, meaning } of exitCodes) {
      const { exitCode, stdout } = await run(`explain ${code}`);
      expect({ code, exitCode }).toEqual({ code, exitCode: 0 });
      expect(stdout).toContain(meaning);
    }
    expectMessage(await run('explain 99'), 2, 'no exit code 99', '0, 1, 2, 3, 4, 5, 6, 70, 130, 143');
  });
});

describe('--help', () => {
  /** names of the subcommands that a help text lists */
  const subcommands = (help: string) =>
    [...(/\nCommands:\n((?: .*\n)+)/.exec(help)?.[1] ?? '').matchAll(/^ {2}([a-z][\w-]*)/gm)]
      .map(([, name]) => name ?? '')
      .filter((name) => name !== 'help');

  it.each(commandNames.map(([name]) => name))('of %s has a description and an example', async (name) => {
    const { exitCode, stdout, stderr } = await run(`${name} --help`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const [usage, , description] = stdout.split('\n');
    expect(usage).toMatch(new RegExp(`^Usage: examctl ${name} `));
    expect(description).toMatch(/\w+ \w+/);
    expect(stdout).toMatch(/\nExamples?:\n( {2}.*examctl .*\n)+/);
    expect(stdout).toContain('examctl help options');
    expect(stdout).not.toContain('--output <format>');

    await Promise.all(
      subcommands(stdout).map(async (sub) => {
        const ended = await run(`${name} ${sub} --help`);
        expect(ended.exitCode, `${name} ${sub}`).toBe(0);
        expect(ended.stdout.split('\n')[0]).toMatch(new RegExp(`^Usage: examctl ${name} ${sub} `));
        expect(ended.stdout.split('\n')[2], `${name} ${sub}`).toMatch(/\w+ \w+/);
      }),
    );
  });

  it('options has the flags that every command takes, and names the commands with a dry run', async () => {
    const { exitCode, stdout } = await run('help options');
    expect(exitCode).toBe(0);
    for (const wanted of ['--env <name>', '--output <format>', '--state <folder>', '  exam-mode on\n'])
      expect(stdout).toContain(wanted);
    expect(stdout).not.toContain('  sandbox up\n');
  });

  it('lists the subcommands', async () => {
    const names = subcommands((await run('sandbox --help')).stdout);
    expect(names).toEqual(['up', 'down', 'status', 'reset', 'logs', 'break', 'plant', 'mend', 'defects']);
    expect(subcommands((await run('help sandbox')).stdout)).toEqual(names);
  });
});

describe('wrong usage', () => {
  it.each([
    ['rehears', 'Did you mean rehearse?'],
    ['fault injct redis-outage', 'Did you mean inject?'],
    ['--verbos runs list', 'Did you mean --verbose?'],
    ['fault inject redis-outage --fro 3s', 'Did you mean --for?'],
    ['fault inject redis-outage -e sandbx', 'did you mean --env sandbox?'],
    ['env show sandbox2', 'did you mean --env sandbox?'],
    ['fault inject redis-outge', 'did you mean "redis-outage"?'],
    ['fault inject network-delay --set dely=3', 'did you mean "delay"?'],
    ['fault hlat', 'Did you mean halt?'],
    ['sandbox break lost-answer', 'did you mean "lost-answers"?'],
    ['sandbox mend lost-answer', 'did you mean "lost-answers"?'],
    ['integrity check --check lost-answrs', 'did you mean "lost-answers"?'],
    ['load run answrs', 'did you mean "answers"?'],
    ['load run answers --profile smok', 'did you mean "smoke"?'],
    ['rehearse --phases 1,integrty', 'did you mean "integrity"?'],
    ['rehearse --profile smok', 'smoke, exam-day'],
    ['rehearse --engine k7', 'auto, k6, builtin'],
    ['env list -o jsn', 'did you mean "json"?'],
    ['exam-mode verify --expect onn', 'on, off'],
  ])('%s ends with 2 and the nearest valid name', async (line, near) => {
    expectMessage(await run(line), 2, near);
  });

  it.each([
    ['fault inject', 'fault'],
    ['fault inject redis-outage --for soon', '90s'],
    ['fault inject redis-outage --for 2', '2s'],
    ['fault inject network-delay --set delay=soon', '--set delay=200 (1 to 10000 ms)'],
    ['fault inject network-delay --set delay=0', 'it must be 1 to 10000'],
    ['fault inject vendor-errors --set answer=404', 'answer=500 (429, 500, timeout)'],
    ['fault inject network-delay --set delay', 'has no value'],
    ['fault inject redis-outage --set delay=3', 'it has none'],
    ['fault inject redis-outage --stop-if error_rate', 'error_rate>0.05'],
    ['fault inject redis-outage --stop-if error_rate>5', 'below 1'],
    ['runs list --timeout 2', '2s'],
    ['runs list --limit many', 'whole number'],
    ['audit log --limit 0', 'whole number'],
    ['sandbox up --students none', 'whole number'],
    ['load run answers --students 0', 'whole number'],
    ['integrity check --since yesterday', '3h'],
    ['integrity check --identify', '--reason'],
    ['runs show nothing', 'examctl runs list'],
    ['recover nothing', 'examctl runs list'],
    ['rehearse --phases 3', '--phases 2,3'],
    ['env list extra', 'too many arguments'],
    ['env list -c missing.yaml', 'missing.yaml cannot be read'],
    ['config check', 'no examctl.yaml'],
  ])('%s ends with 2 and says what to write', async (line, text) => {
    expectMessage(await run(line), 2, text);
  });

  it('leaves nothing behind', async () => {
    await run('fault inject redis-outge');
    await run('load run answrs');
    expect(readdirSync(examctl.state)).toEqual([]);
    expect(readdirSync(examctl.cwd)).toEqual([]);
  });
});

const readingCommands = [
  'config check',
  'env list',
  'env show',
  'fault list',
  'fault status',
  'load list',
  'integrity list',
  'sandbox defects',
  'sandbox status',
  'runs list',
  'audit log',
  'audit verify',
  'audit export',
  'config schema',
  'doctor',
  'explain',
];

describe('a command that reads', () => {
  const config = 'environments:\n  sandbox: { platform: exam-platform, driver: { kind: sandbox } }\n';

  it.each(readingCommands)('%s prints only data with -o json, with a versioned schema', async (command) => {
    writeConfig(config);
    const { stdout, stderr } = await run(`${command} -o json`);
    const data = JSON.parse(stdout);
    expect(data.schema).toMatch(/^examctl\/[\w.-]+\/v\d+$/);
    expect(Object.keys(data).length).toBeGreaterThan(1);
    expect(stderr).toBe('');
  });

  // an empty audit log is exported as nothing
  it.each(readingCommands.filter((command) => command !== 'audit export'))(
    '%s prints no escape codes into a pipe, and less with -q',
    async (command) => {
      writeConfig(config);
      const { stdout, stderr } = await examctl.start([...words(command), '-q'], { TERM: 'xterm-256color' })
        .ended;
      expect(stdout).not.toBe('');
      expect(stdout).not.toMatch(escapeCode);
      expect(stderr).toBe('');
    },
  );

  it('obeys NO_COLOR where colours are forced', async () => {
    const ended = await examctl.start(['doctor'], { NO_COLOR: '1', FORCE_COLOR: '1' }).ended;
    expect(ended.stdout).toContain('node');
    expect(ended.stdout).not.toMatch(escapeCode);
  });

  it('prints a line for each row with -o ndjson', async () => {
    const { stdout } = await run('fault list -o ndjson');
    const ids = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).id]));
    expect(ids).toEqual(faults.map(({ id }) => id));
  });

  it('says by its exit code that there is no sandbox', async () => {
    expect(await run('sandbox status')).toMatchObject({ exitCode: 1 });
  });
});

describe('examctl.yaml', () => {
  const bad = `environments:
  prod:
    platfrm: exam-platform
    driver: { kind: sandbx }
    protected: maybe
tresholds: {}
`;
  const problems = [
    'examctl.yaml:2:3 environments.prod.platform: is missing',
    'examctl.yaml:3:5 environments.prod.platfrm: unknown key (did you mean "platform"?',
    'examctl.yaml:4:21 environments.prod.driver.kind: unknown value "sandbx" (did you mean "sandbox"?',
    'examctl.yaml:5:16 environments.prod.protected: must be true or false',
    'examctl.yaml:6:1 tresholds: unknown key (did you mean "thresholds"?',
  ];

  it('that is wrong is told with all its problems at once, and nothing is done', async () => {
    writeConfig(bad);
    for (const command of ['env list', 'fault inject redis-outage', 'rehearse'])
      expectMessage(await run(command), 2, ...problems, 'examctl config check');
  });

  it('that is wrong is data for config check', async () => {
    writeConfig(bad);
    const { exitCode, stdout } = await run('config check');
    expect(exitCode).toBe(2);
    for (const problem of problems) expect(stdout).toContain(problem);
    const { problems: data } = await examctl.json<{ problems: object[] }>('config', 'check');
    expect(data).toHaveLength(5);
    expect(data[3]).toMatchObject({ line: 5, column: 16, path: 'environments.prod.protected' });
  });

  it('that is no YAML is told with its line', async () => {
    writeConfig('environments:\n  prod: { platform: [\n');
    expectMessage(await run('env list'), 2, 'examctl.yaml:');
  });

  it('with several environments makes a command ask which one', async () => {
    writeConfig(`environments:
  one: { platform: exam-platform, driver: { kind: sandbox } }
  two: { platform: exam-platform, driver: { kind: sandbox } }
`);
    expectMessage(await run('fault inject redis-outage'), 2, 'one, two', '--env one');
    expect((await examctl.start(['env', 'show'], { EXAMCTL_ENV: 'two' }).ended).exitCode).toBe(0);
    const wrong = await examctl.start(['env', 'show'], { EXAMCTL_ENV: 'twoo' }).ended;
    expectMessage(wrong, 2, 'from EXAMCTL_ENV', 'did you mean --env two?');
  });
});

describe('without a sandbox', () => {
  it.each([
    'fault inject redis-outage',
    'fault inject worker-kill --dry-run',
    'fault clear',
    'exam-mode on',
    'exam-mode off',
    'exam-mode verify',
    'load run answers',
    'runs lock',
    'runs unlock',
    'sandbox break lost-answers',
    'sandbox mend',
    'sandbox logs',
    'sandbox reset',
  ])('%s ends with 3 and says how to make one', async (command) => {
    const { exitCode, stdout, stderr } = await run(command);
    expect(exitCode, stderr).toBe(3);
    expect(stderr).toMatch(/error: .*sandbox.*\n {2}examctl sandbox up\n/);
    expect(stderr).not.toMatch(stack);
    expect(stdout).toBe('');
  });

  it.each(['exam-mode status', 'integrity check', 'metrics capture'])(
    '%s reports that nothing could be seen, with 3, and says how to make one',
    async (command) => {
      const { exitCode, stdout } = await run(command);
      expect(exitCode).toBe(3);
      expect(stdout).toContain('examctl sandbox up');
      expect(stdout).not.toMatch(/\bpass\b/);
    },
  );

  it('has nothing to take down', async () => {
    expect(await run('sandbox down')).toMatchObject({ exitCode: 0, stdout: 'There was no sandbox.\n' });
  });
});

describe('a state folder that cannot be used', () => {
  const inState = (state: string, line: string) => examctl.start(words(line), { EXAMCTL_STATE: state }).ended;

  it.each(['sandbox up', 'sandbox status', 'fault inject redis-outage', 'rehearse'])(
    'as it is a file, is no bug: %s says so, and what to do',
    async (command) => {
      const file = join(examctl.cwd, 'file');
      writeFileSync(file, 'hello');
      const { exitCode, stderr } = await inState(file, command);
      expect([2, 3]).toContain(exitCode);
      expect(stderr).toContain(file);
      expect(stderr).toContain('--state DIR');
      expect(stderr).not.toMatch(stack);
      expect(stderr).not.toContain('bug');
    },
  );

  it('is told by doctor', async () => {
    const file = join(examctl.cwd, 'file');
    writeFileSync(file, 'hello');
    const { exitCode, stdout } = await inState(file, 'doctor');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^fail\tstate-folder\t.*--state DIR/m);
  });

  const account = serverAccount();
  const canRunBin = isTraversable(packageRoot(), account);

  it.for(['sandbox up', 'rehearse', 'doctor'])(
    'as it is read-only for an ordinary user, is no bug: %s says so',
    async (command, { skip }) => {
      skip(!canRunBin, 'an ordinary user cannot reach the program here');
      const parent = mkdtempSync(join(tmpdir(), 'examctl-read-only-'));
      const state = join(parent, 'state');
      mkdirSync(state);
      if (account !== undefined) chownSync(state, account.uid, account.gid);
      chmodSync(parent, 0o755);
      chmodSync(state, 0o555);
      try {
        const { exitCode, text } = await asOrdinaryUser(state, parent, words(command));
        expect([1, 2, 3], text).toContain(exitCode);
        expect(text).toContain('EACCES');
        expect(text).toContain('--state DIR');
        expect(text).not.toMatch(stack);
        expect(text).not.toContain('bug');
        expect(readdirSync(state)).toEqual([]);
      } finally {
        rmSync(parent, { recursive: true });
      }
    },
  );

  it('is not needed by an account without a name and without a home, as a container has it', ({ skip }) => {
    skip(!canRunBin || process.getuid?.() !== 0, 'only root can be any other account');
    const script = join(packageRoot(), 'bin/examctl.js');
    const ended = (...args: string[]) =>
      spawnSync(process.execPath, [script, ...args], {
        uid: 54321,
        gid: 54321,
        cwd: '/',
        env: { PATH: process.env.PATH },
        encoding: 'utf8',
      });
    expect(ended('explain', '3')).toMatchObject({ status: 0, stderr: '' });
    expect(ended('runs', 'list')).toMatchObject({ status: 0, stderr: '' });
    expect(ended('sandbox', 'up')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--state DIR'),
    });
  });

  async function asOrdinaryUser(state: string, cwd: string, args: readonly string[]) {
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const child = spawn(process.execPath, [join(packageRoot(), 'bin/examctl.js'), ...args], {
      cwd,
      env: { ...inherited, EXAMCTL_STATE: state, HOME: cwd },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    const [exitCode] = await once(child, 'close');
    return { exitCode, text };
  }
});

describe('a pipe that is closed early', () => {
  const bin = join(packageRoot(), 'bin/examctl.js');

  /** exit code of examctl, and what it said, in `examctl ... | reader` */
  function piped(command: string, reader: string) {
    const script = `'${process.execPath}' '${bin}' 2> stderr ${command} | ${reader} > /dev/null; echo "\${PIPESTATUS[0]}"; cat stderr`;
    return execFileSync('bash', ['-c', script], {
      cwd: examctl.cwd,
      env: { ...process.env, EXAMCTL_STATE: examctl.state },
      encoding: 'utf8',
    });
  }

  it.each(['config schema', 'integrity list', 'env list -o json', '--help', '--version'])(
    'is no error of %s',
    (command) => {
      expect(piped(command, 'true')).toBe('0\n');
      expect(piped(command, 'head -1')).toBe('0\n');
    },
  );

  it('does not change what the exit code says', () => {
    expect(piped('sandbox status', 'true')).toBe('1\n');
    expect(piped('explain 99 2>&1', 'true')).toBe('2\n');
  });

  it('is not taken for a full disk, which is one', ({ skip }) => {
    skip(!existsSync('/dev/full'), 'this system has no /dev/full');
    const script = `'${process.execPath}' '${bin}' explain > /dev/full; echo $?`;
    const text = execFileSync('bash', ['-c', `{ ${script}; } 2>&1`], { encoding: 'utf8' });
    expect(text).toContain('the output cannot be written to stdout');
    expect(text).toContain('the disk is full');
    expect(text).not.toContain('--state');
    expect(text).toMatch(/3\n$/);
    expect(text).not.toMatch(stack);
  });
});

describe('--dry-run', () => {
  it.each([
    'sandbox down',
    'sandbox up',
    'runs unlock',
    'fault halt',
    'metrics capture',
    'sandbox break lost-answers',
  ])('is refused by "%s", which has no plan, instead of being ignored', async (command) => {
    expectMessage(await run(`${command} --dry-run`), 2, 'has no dry run', 'examctl help options');
  });
});
