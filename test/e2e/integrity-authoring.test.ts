import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Examctl } from '../support/examctl.ts';

let examctl: Examctl;

beforeAll(async () => {
  examctl = new Examctl();
  const { exitCode, stderr } = await examctl.run('sandbox', 'up', '--students', '40');
  expect(exitCode, stderr).toBe(0);
});
afterAll(() => examctl.remove());
beforeEach(() => configure());

const config = [
  'environments:',
  '  sandbox: { platform: exam-platform, driver: { kind: sandbox } }',
  '  other: { platform: exam-platform, driver: { kind: sandbox } }',
  'checks: { folder: ops/checks }',
];
const configure = (lines = config) =>
  writeFileSync(join(examctl.cwd, 'examctl.yaml'), `${lines.join('\n')}\n`);
const integrity = (...args: string[]) => examctl.run('integrity', ...args);
const fileOf = (id: string) => join(examctl.cwd, 'ops/checks', `${id}.sql`);
const change = (id: string, replace: (text: string) => string) =>
  writeFileSync(fileOf(id), replace(readFileSync(fileOf(id), 'utf8')));
const written = (text: string) => text.replaceAll(/<[A-Za-z].*>$/gm, 'written');

describe('a check of one’s own', () => {
  it('is made, filled in, linted and run', async () => {
    const made = await integrity('new', 'hasty-sessions');
    expect(made).toMatchObject({ exitCode: 0 });
    expect(made.stdout).toContain('examctl integrity lint ops/checks/hasty-sessions.sql');
    expect(made.stdout).toContain('examctl integrity check --check hasty-sessions');

    const unfinished = await integrity('lint', '-e', 'sandbox');
    expect(unfinished.exitCode).toBe(1);
    expect(unfinished.stdout).toMatch(
      /^ops\/checks\/hasty-sessions\.sql:2 title: is still to be written \(write /m,
    );

    change('hasty-sessions', written);
    expect(await integrity('lint', '-e', 'sandbox')).toMatchObject({ exitCode: 0 });

    const check = await integrity('check', '--check', 'hasty-sessions', '-e', 'sandbox');
    // as the sandbox has no session yet
    expect(check.exitCode, check.stderr).toBe(3);
    expect(check.stdout).toContain('no exam session can be seen');
  });

  it('is never overwritten', async () => {
    await integrity('new', 'kept');
    change('kept', () => 'mine');
    const again = await integrity('new', 'kept');
    expect(again.exitCode).toBe(2);
    expect(again.stderr).toContain('ops/checks/kept.sql is there already');
    expect(readFileSync(fileOf('kept'), 'utf8')).toBe('mine');
    rmSync(fileOf('kept'));
  });

  it('that is broken is unknown, stops no other, and lint says all that is wrong with it', async () => {
    await integrity('new', 'broken');
    change('broken', () => '-- id: broken\nDELETE FROM users\n');
    const list = await integrity('list');
    expect(list.exitCode).toBe(0);
    expect(list.stdout).toMatch(/broken: not asked, .*; examctl integrity lint ops\/checks\/broken\.sql/);
    const others = ['--check', 'count-sessions', '-e', 'sandbox'];
    expect(await integrity('check', ...others)).toMatchObject({ exitCode: 0 });
    const both = await integrity('check', '--check', 'broken', ...others);
    expect(both.exitCode).toBe(3);
    expect(both.stdout).toMatch(/^unknown\t.*not asked, as its file is wrong: title: is missing/m);
    expect(both.stdout).toContain('examctl integrity lint ops/checks/broken.sql');
    expect(await integrity('check', '--dry-run', ...others)).toMatchObject({ exitCode: 0 });
    expect(await integrity('check', '--check', 'nonsense', ...others)).toMatchObject({ exitCode: 2 });
    const { exitCode, stdout } = await integrity('lint', '--offline', 'ops/checks/broken.sql');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('ops/checks/broken.sql:1 title: is missing');
    expect(stdout).toContain('ops/checks/broken.sql:2 statement: DELETE changes data');
    rmSync(fileOf('broken'));
  });

  it('cannot have the id of a packaged one', async () => {
    await integrity('new', 'mine');
    change('mine', (text) => written(text).replace('id: mine', 'id: lost-answers'));
    const { exitCode, stderr } = await integrity('list');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /examctl\.yaml:4:19 checks\.folder: ops\/checks\/mine\.sql:1 id: "lost-answers" is the id of /,
    );
    rmSync(fileOf('mine'));
  });

  it('needs no environments in the file', async () => {
    await integrity('new', 'alone');
    change('alone', written);
    configure(['checks: { folder: ops/checks }']);
    expect(await integrity('check', '--check', 'alone')).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining('no exam session can be seen'),
    });
    expect(await examctl.run('config', 'check')).toMatchObject({ exitCode: 0 });
    rmSync(fileOf('alone'));
  });

  it('needs a folder, and the message has the lines to write', async () => {
    configure(config.slice(0, -1));
    const { exitCode, stderr } = await integrity('new', 'homeless');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--folder DIR');
    expect(stderr).toContain('checks: { folder: ops/checks }');
    const given = await integrity('new', 'homeless', '--folder', 'other/checks');
    expect(given.exitCode).toBe(0);
    expect(given.stdout).toContain('checks: { folder: other/checks }');
    expect(existsSync(join(examctl.cwd, 'other/checks/homeless.sql'))).toBe(true);
  });

  it.each([
    ['Hasty', 'kebab-case: hasty'],
    ['../hasty', 'begins with a letter'],
    ['lost-answers', 'lost-answers.sql is the check of this id'],
    ['classic-summary', 'is the check of this id'],
  ])('cannot be called %s', async (id, why) => {
    const { exitCode, stderr, stdout } = await integrity('new', id);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(why);
  });
});

describe('integrity lint', () => {
  it('finds what is missing on the server, in JSON and JUnit too', async () => {
    mkdirSync(join(examctl.cwd, 'drafts'), { recursive: true });
    await integrity('new', 'roomless', '--folder', 'drafts');
    const file = join(examctl.cwd, 'drafts/roomless.sql');
    const text = written(readFileSync(file, 'utf8')).replace('s.submitted_at\nFROM', 's.room\nFROM');
    writeFileSync(file, text);
    const line = text.split('\n').findIndex((one) => one.includes('s.room')) + 1;

    const { exitCode, stdout } = await integrity('lint', 'drafts', '-e', 'sandbox', '-o', 'json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'examctl/integrity.lint/v1',
      environment: 'sandbox',
      problems: [{ file: 'drafts/roomless.sql', line, code: 'missing-column', severity: 'error' }],
      outcomes: [{ id: 'missing-column', outcome: 'fail' }],
    });
    const junit = await integrity('lint', 'drafts', '-e', 'sandbox', '-o', 'junit');
    expect(junit.stdout).toContain('failures="1"');
    const github = await integrity('lint', 'drafts', '-e', 'sandbox', '-o', 'github');
    expect(github.stdout).toContain(`::error file=drafts/roomless.sql,line=${line},title=missing-column`);
    const offline = await integrity('lint', 'drafts', '--offline');
    expect(offline).toMatchObject({
      exitCode: 0,
      stdout: '1 file, 0 errors, 0 warnings; no database was asked\n',
    });
  });

  it('finds nothing wrong with the packaged checks', async () => {
    configure(config.slice(0, -1));
    const { exitCode, stdout } = await integrity('lint', '--packaged', '-e', 'sandbox');
    expect(stdout).toContain('0 errors, 0 warnings');
    expect(exitCode).toBe(0);
  });

  it('says what it needs when there is nothing to lint', async () => {
    configure(config.slice(0, -1));
    const { exitCode, stderr } = await integrity('lint');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('examctl.yaml has no checks.folder');
    expect(await integrity('lint', 'nowhere.sql')).toMatchObject({ exitCode: 2 });
  });
});

describe('integrity list', () => {
  it('of a suite has its checks only', async () => {
    const { exitCode, stdout } = await integrity('list', '--suite', 'core');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^unscored-sessions\tcritical\t.*\tsessions\tcore\t/m);
    expect(stdout).not.toMatch(/^lost-answers\t/m);
    expect(await integrity('list', '--suite', 'cor')).toMatchObject({ exitCode: 2 });
  });
});

describe('integrity explain', () => {
  it('has the words and the plan', async () => {
    const { exitCode, stdout } = await integrity('explain', 'correctness-flag', '-e', 'sandbox');
    expect(exitCode).toBe(0);
    expect(stdout).toContain("Why it matters: the student's choice is not counted");
    expect(stdout).toContain('Shares the view judged_answers');
    expect(stdout).toMatch(/on sandbox, for all sessions, planned, not carried out: cost [\d,]+ /);
    expect(stdout).toMatch(/\(cost=.* rows=.*\)/);
  });

  it('has the words without a database; only who asks for the plan gets exit code 3', async () => {
    const alone = new Examctl();
    try {
      const words = await alone.run('integrity', 'explain', 'lost-answers');
      expect(words).toMatchObject({ exitCode: 0 });
      expect(words.stdout).toContain('Why it matters: ');
      expect(words.stdout).toMatch(/^unknown\tplan\t/m);
      expect(await alone.run('integrity', 'explain', 'lost-answers', '--plan')).toMatchObject({
        exitCode: 3,
      });
      expect(await alone.run('integrity', 'lint', '--packaged')).toMatchObject({ exitCode: 3 });
      const offline = await alone.run('integrity', 'explain', 'lost-answers', '--offline');
      expect(offline).toMatchObject({ exitCode: 0, stderr: '' });
    } finally {
      await alone.remove();
    }
  });

  it('has the words although there are several environments, and says how to name one', async () => {
    const words = await integrity('explain', 'lost-answers');
    expect(words.exitCode).toBe(0);
    expect(words.stdout).toMatch(/^unknown\tplan\t.*--env/m);
    expect(await integrity('explain', 'lost-answers', '--plan')).toMatchObject({ exitCode: 2 });
    expect(await integrity('explain', 'lost-answers', '-e', 'othr')).toMatchObject({ exitCode: 2 });
  });

  it('knows the nearest id, and does not guess at nonsense', async () => {
    const { exitCode, stderr } = await integrity('explain', 'lost-answrs');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('did you mean "lost-answers"?');
    const nonsense = await integrity('explain', 'nonsense');
    expect(nonsense.stderr).toContain('there is no check "nonsense"\n  all: examctl integrity list');
  });

  it('says of near-misses that it is only a plant', async () => {
    const { exitCode, stderr } = await integrity('explain', 'near-misses');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('near-misses is only a plant');
    expect(stderr).toContain('examctl sandbox plant near-misses');
  });
});
