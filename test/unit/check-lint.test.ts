import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readCheckFile, sqlFilesAt } from '../../src/adapters/check-files.ts';
import { readSql } from '../../src/adapters/sql-files.ts';
import { lintChecks } from '../../src/checks/lint/lint-checks.ts';
import type { CheckFile } from '../../src/checks/lint/lint-file.ts';
import type { PlanNode } from '../../src/checks/lint/plan.ts';
import { bigTablesRead, manyToManyJoins } from '../../src/checks/lint/plan-rules.ts';
import { formatLintProblem } from '../../src/checks/lint/problem.ts';
import { namesIn } from '../../src/checks/statements/scope.ts';
import { newCheck, whyNotId } from '../../src/checks/template.ts';
import { lintReport } from '../../src/commands/integrity-lint-report.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { packagedFiles, packagedSources } from '../support/catalogue.ts';

const packaged = await packagedSources();

const header: Record<string, string> = {
  id: 'late-starts',
  title: 'each session starts in time',
  question: 'which sessions started late?',
  severity: 'minor',
  finding: 'the student had less time',
  remedy: 'give the student more time',
  columns: 'session_id (the session), user_id (personal: the student), started_at (start)',
  cost: 'scan; one pass over test_sessions',
  occurred: 'started_at',
};
const sound = 'SELECT s.id AS session_id, s.user_id, s.started_at\nFROM test_sessions s';

const textOf = (fields: Record<string, string>, sql: string) =>
  `${Object.entries(fields)
    .map(([key, value]) => `-- ${key}: ${value}\n`)
    .join('')}${sql}\n`;
const fileOf = (text: string, file = 'late-starts.sql'): CheckFile => {
  const { header, sql, problems } = readSql(text);
  return { file, text, header, sql, unreadable: problems };
};
const lint = async (files: readonly CheckFile[], others: readonly CheckFile[] = []) =>
  lintChecks({ files, others, packaged, facts: examPlatform.integrity, server: null });
const problemsOf = async (fields: Record<string, string>, sql: string) => {
  const { files } = await lint([fileOf(textOf(fields, sql))]);
  return files.flatMap(({ problems }) => problems);
};
/** "severity line code" of the statement below a sound header of nine lines */
const found = async (sql: string) =>
  (await problemsOf(header, sql)).map(({ severity, line, code }) => `${severity} ${line} ${code}`);

describe('lint of a statement', () => {
  it('has nothing to say about a sound one', async () => {
    expect(await found(sound)).toEqual([]);
    expect(await found(`${sound};`)).toEqual([]);
    expect(await found(`WITH late AS (${sound}) SELECT session_id, user_id, started_at FROM late`)).toEqual(
      [],
    );
    expect(await found(`(${sound}) UNION ALL (${sound})`)).toEqual([]);
  });

  it('finds a second statement, and what it does', async () => {
    expect(await found(`${sound};\nSELECT 1`)).toEqual(['error 12 second-statement']);
    expect(await found(`${sound};\nDROP TABLE users`)).toEqual([
      'error 12 second-statement',
      'error 12 not-a-select',
    ]);
  });

  it.each([
    'COPY test_sessions TO STDOUT',
    'SET ROLE postgres',
    'CREATE TABLE test_sessions_copy AS SELECT * FROM test_sessions',
    'TRUNCATE test_sessions',
    'VALUES (1)',
    'EXPLAIN SELECT 1',
    'DO $$ BEGIN END $$',
    '1 + 1',
  ])('takes %s for no SELECT', async (sql) => {
    expect(await found(sql)).toContain('error 10 not-a-select');
  });

  it.each([
    ['INSERT INTO test_sessions SELECT 1', 10],
    ['UPDATE test_sessions SET mode = 1', 10],
    ['delete from test_sessions', 10],
    ['MERGE INTO test_sessions t USING x ON true WHEN MATCHED THEN DELETE', 10],
    ['WITH gone AS (\n  DELETE FROM test_sessions RETURNING id\n)\nSELECT id FROM gone', 11],
    [
      'WITH gone AS NOT MATERIALIZED (/* */ UPDATE ONLY test_sessions SET mode = 1 RETURNING id) SELECT 1',
      10,
    ],
    ['WITH s AS (SELECT 1)\nDELETE FROM test_sessions', 11],
    ['SELECT 1 AS a\nINTO copied FROM test_sessions', 11],
  ])('finds the write in %j', async (sql, line) => {
    expect(await found(sql)).toContain(`error ${line} writes`);
  });

  it.each(['FOR UPDATE', 'FOR SHARE', 'FOR NO KEY UPDATE OF s', 'FOR KEY SHARE SKIP LOCKED'])(
    'finds the lock of %s',
    async (lock) => {
      expect(await found(`${sound}\n${lock}`)).toEqual(['error 12 locks']);
    },
  );

  it.each([
    'pg_sleep(1)',
    "pg_sleep_for(interval '1 hour')",
    'PG_TERMINATE_BACKEND(1)',
    '"pg_cancel_backend"(1)',
    "pg_catalog.nextval('a')",
    "dblink('', 'DELETE FROM users')",
    'lo_unlink(1)',
    'pg_advisory_lock(1)',
    "set_config('a', 'b', false)",
    "query_to_xml('DELETE FROM users', true, true, '')",
    "pg_read_file('/etc/passwd')",
    "ts_stat('DELETE FROM users')",
    'pg_stat_statements_reset()',
    "pg_logical_slot_get_changes('slot', NULL, NULL)",
  ])('refuses to call %s', async (call) => {
    expect(await found(`${sound}\nWHERE ${call} IS NULL`)).toEqual(['error 12 forbidden-function']);
  });

  it('is not taken in by words in comments, strings, names and other clauses', async () => {
    const harmless = [
      '/* DELETE FROM users; SELECT $1 */',
      "WHERE s.mode <> 'DELETE FROM users; pg_sleep(1)'",
      'AND s.mode <> $$ DELETE; FOR UPDATE $$',
      'AND "delete" IS NULL AND s.update IS NULL AND (update) IS NULL',
      "AND substring(s.mode FOR 3) = 'x' AND nextval IS NULL AND count(*) * 2 > 1",
      "AND E'\\'; DELETE FROM users' = ''",
    ];
    expect(await found(`${sound}\n${harmless.join('\n')}`)).toEqual([]);
  });

  it('is not taken in by ways to hide a name from it', async () => {
    const hidden = 'U&"pg\\005fsleep"';
    expect(await found(`${sound}\nWHERE ${hidden}(1) IS NULL`)).toEqual(['error 12 hidden-name']);
    expect(
      await found(`${sound} -- as PostgreSQL reads it, this is over\rWHERE pg_sleep(1) IS NULL`),
    ).toEqual(['error 11 forbidden-function']);
  });

  it('finds parameters, tables with a schema, and SELECT *', async () => {
    expect(await found(`${sound}\nWHERE started_at > $1::timestamptz`)).toEqual(['error 12 parameter']);
    expect(await found('SELECT s.id AS session_id\nFROM public.test_sessions s')).toEqual([
      'error 11 qualified-table',
    ]);
    expect(await found('SELECT 1 AS a FROM test_sessions, "public" . "session_answers"')).toEqual([
      'error 10 qualified-table',
    ]);
    for (const star of ['*', 's.*', 'DISTINCT *', '1, *', 's.id, s.*'])
      expect(await found(`SELECT ${star} FROM test_sessions s`)).toEqual(['warn 10 select-star']);
    expect(await found('SELECT id * 2 AS a, count(*) AS b FROM (SELECT * FROM test_sessions) s')).toEqual([]);
    expect(await found('SELECT test_sessions.id AS a FROM test_sessions')).toEqual([]);
  });

  it('finds what is never closed, and what closes the parentheses around it', async () => {
    expect(await found("SELECT 'a FROM test_sessions")).toContain('error 10 unclosed');
    expect(await found('SELECT (1 FROM test_sessions')).toEqual(['error 10 unclosed']);
    expect(await found('SELECT 1 AS a FROM test_sessions) f; DELETE FROM users; SELECT (1')).toContain(
      'error 10 unclosed',
    );
  });
});

describe('the names that a window takes the place of', () => {
  it.each([
    'SELECT 1 FROM TEST_SESSIONS',
    'SELECT 1 FROM "test_sessions"',
    "SELECT E'it\\'s' FROM test_sessions WHERE mode = 'x'",
    "SELECT $$it's$$ FROM test_sessions WHERE mode = 'x'",
  ])('are found in %s', (sql) => {
    expect(namesIn(sql, ['test_sessions', 'users'])).toEqual(['test_sessions']);
  });

  it('are none in text and comments', () => {
    const sql =
      "SELECT 'test_sessions', E'\\'test_sessions', $a$ test_sessions $a$ /* test_sessions */ -- test_sessions";
    expect(namesIn(sql, ['test_sessions'])).toEqual([]);
  });
});

describe('lint of a header', () => {
  it('tells every problem with its line and key, as file:line key: problem (hint)', async () => {
    const { title: _, ...rest } = header;
    const problems = await problemsOf({ ...rest, severity: 'huge', colour: 'red', suite: '' }, sound);
    expect(problems.map(formatLintProblem)).toEqual([
      expect.stringMatching(/^late-starts\.sql:1 title: is missing \(/),
      expect.stringMatching(/^late-starts\.sql:3 severity: "huge" is none of critical, /),
      expect.stringMatching(/^late-starts\.sql:9 colour: is not a key of a check \(/),
      expect.stringMatching(/^late-starts\.sql:10 suite: is empty/),
    ]);
  });

  it('says one thing of a file that has nothing to read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'examctl-lint-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const contents = { 'empty.sql': '', 'blank.sql': ' \n\n', 'photo.sql': Buffer.from([0xff, 0xd8, 0, 1]) };
    for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, name), content);
    mkdirSync(join(folder, 'below/deep.sql'), { recursive: true });
    const paths = [...(await sqlFilesAt(folder)), join(folder, 'gone.sql')];
    const files = await Promise.all(paths.map((path) => readCheckFile(path, folder)));

    const linted = (await lint(files)).files.flatMap(({ problems }) => problems.map(formatLintProblem));

    expect(linted).toEqual([
      expect.stringMatching(/^blank\.sql:1 file: is empty \(/),
      expect.stringMatching(/^empty\.sql:1 file: is empty \(/),
      expect.stringMatching(/^photo\.sql:1 file: is no text \(in UTF-8\) \(/),
      expect.stringMatching(/^gone\.sql:1 file: cannot be read: ENOENT/),
    ]);
  });

  it('does not call a missing id that of another file', async () => {
    const nameless = ['a.sql', 'b.sql'].map((file) => fileOf(`-- title: x\n${sound}\n`, file));
    const { files } = await lint(nameless, nameless);
    expect(files.flatMap(({ problems }) => problems).filter(({ code }) => code === 'doubled-id')).toEqual([]);
  });

  it('gives no advice about the window of a statement that is wrong', async () => {
    expect(await found('DELETE FROM users')).toEqual(['error 10 writes']);
    expect(await found('SELECT (u.id AS session_id FROM users u')).toEqual(['error 10 unclosed']);
    expect(await found('SELECT u.id AS session_id FROM users u')).toContain('warn 1 window');
  });

  it('names the file and the line of each problem for annotations', async () => {
    const report = lintReport(
      await lint([fileOf(textOf(header, 'DELETE FROM users'), 'ops/late-starts.sql')]),
    );
    const at = report.outcomes?.map((outcome) => outcome.at);
    expect(at).toContainEqual({ file: 'ops/late-starts.sql', line: 10 });
  });

  it('reads on after a line that it cannot read', async () => {
    const { files } = await lint([fileOf(`-- nonsense\n${textOf(header, 'DELETE FROM users')}`)]);
    expect(files[0]?.problems.map(({ line, code }) => `${line} ${code}`)).toEqual(['1 header', '11 writes']);
    expect(files[0]?.check).toBeNull();
  });

  it('finds a file without a statement', async () => {
    expect(await problemsOf(header, '')).toMatchObject(
      [{ code: 'header', message: /no statement/ }].map((problem) => ({
        ...problem,
        message: expect.stringMatching(problem.message),
      })),
    );
  });

  it('finds an id that another file has: packaged, of the same folder, but not itself', async () => {
    const shipped = (await packagedFiles()).checks;
    const mine = fileOf(textOf({ ...header, id: 'late-submits' }, sound), 'late-submits.sql');
    const { files } = await lint([mine], [mine, ...shipped]);
    expect(files[0]?.problems).toMatchObject([
      { code: 'doubled-id', line: 1, message: expect.stringContaining('checks/late-submits.sql too') },
    ]);
    const twins = [fileOf(textOf(header, sound)), fileOf(textOf(header, sound), 'b/late-starts.sql')];
    expect((await lint(twins)).files.map(({ problems }) => problems.length)).toEqual([1, 1]);
  });

  it('warns of what is allowed and does nothing', async () => {
    const codes = async (fields: Record<string, string>, sql = sound) =>
      (await problemsOf({ ...header, ...fields }, sql)).map(
        ({ severity, key, code }) => `${severity} ${key} ${code}`,
      );
    expect(await codes({ 'looks-at': 'students' })).toEqual([]);
    expect(await codes({ 'looks-at': 'dragons' })).toEqual(['warn looks-at uncounted']);
    const users = 'SELECT u.id AS user_id FROM users u';
    const fields = { columns: 'user_id (personal: the student)', occurred: 'user_id' };
    expect(await codes(fields, users)).toEqual(['warn window window', 'warn columns no-key']);
    expect(await codes({ ...fields, window: 'none' }, users)).toEqual(['warn columns no-key']);
    expect(await codes({}, 'SELECT session_id FROM answers_by_session')).toEqual([]);
    expect(await codes({ window: 'time' }, sound)).toEqual(['warn window window']);
  });
});

describe('a new check', () => {
  it('passes lint apart from what a person has to write', async () => {
    const { files } = await lint([fileOf(newCheck('late-starts'))]);
    expect(files[0]?.check?.id).toBe('late-starts');
    expect(files[0]?.problems.map(({ key, code }) => `${key} ${code}`)).toEqual(
      ['title', 'question', 'finding', 'remedy'].map((key) => `${key} unwritten`),
    );
    const written = newCheck('late-starts').replaceAll(/<[A-Za-z].*>$/gm, 'written');
    expect((await lint([fileOf(written)])).files[0]?.problems).toEqual([]);
  });

  it('has an id in kebab-case that no other has', () => {
    const taken = new Map([['lost-answers', 'sql/lost-answers.sql']]);
    expect(whyNotId('late-starts', taken)).toBeNull();
    expect(whyNotId('lost-answers', taken)).toBe('sql/lost-answers.sql is the check of this id');
    expect(whyNotId('lateStarts', taken)).toContain('late-starts');
    for (const id of ['', '9-lives', 'a/b', '../a', 'a.sql', 'a-', 'a--b', 'ä', 'a'.repeat(61)])
      expect(whyNotId(id, taken), id).not.toBeNull();
  });
});

describe('the packaged checks', () => {
  it('lint clean, and so do the classic ones', async () => {
    const { checks, classic } = await packagedFiles();
    const { files } = await lint([...checks, ...classic], []);
    expect(files.flatMap(({ problems }) => problems).map(formatLintProblem)).toEqual([]);
    expect(files.length).toBeGreaterThan(30);
  });
});

describe('lint of a plan', () => {
  const scan = (table: string, rows: number, more: Partial<PlanNode> = {}): PlanNode => ({
    'Node Type': 'Seq Scan',
    'Plan Rows': rows,
    'Total Cost': rows,
    Schema: 'public',
    'Relation Name': table,
    ...more,
  });
  const node = (type: string, rows: number, ...plans: PlanNode[]): PlanNode => ({
    'Node Type': type,
    'Plan Rows': rows,
    'Total Cost': rows,
    Plans: plans.map((plan, index) => ({
      'Parent Relationship': index === 0 ? 'Outer' : 'Inner',
      ...plan,
    })),
  });
  const sizes = new Map<string, number | null>([
    ['public.answers', 10_000_000],
    ['public.questions', 9_000_000],
    ['public.sessions', 400_000],
    ['public.fresh', null],
  ]);

  it('finds the big tables that are read from end to end', () => {
    const index = { 'Node Type': 'Index Only Scan' };
    const read = (plan: PlanNode) => bigTablesRead(plan, sizes).map(({ table }) => table);
    expect(read(node('Hash Join', 1, scan('questions', 5), scan('answers', 5)))).toEqual([
      'public.answers',
      'public.questions',
    ]);
    expect(read(node('Aggregate', 1, scan('answers', 5, index)))).toEqual(['public.answers']);
    expect(read(node('Limit', 1, scan('answers', 5, index)))).toEqual([]);
    expect(read(node('Limit', 1, scan('answers', 5, { ...index, Filter: 'true' })))).toEqual([
      'public.answers',
    ]);
    expect(read(scan('answers', 5, { ...index, 'Index Cond': '(id = 1)' }))).toEqual([]);
    expect(read(node('Hash Join', 1, scan('sessions', 5), scan('fresh', 5)))).toEqual([]);
  });

  it('finds joins that multiply two big inputs, and no others', () => {
    const joined = (plan: PlanNode) =>
      manyToManyJoins(plan, sizes).map(({ left, right }) => `${left} ${right}`);
    const hash = (rows: number) =>
      node('Hash Join', rows, scan('answers', 1e7), node('Hash', 9e6, scan('questions', 9e6)));
    expect(joined(hash(2.5e8))).toEqual(['public.answers public.questions']);
    expect(joined(hash(4e7))).toEqual([]);
    expect(joined(node('Merge Join', 1e8, scan('answers', 1e7), scan('sessions', 90_000)))).toEqual([]);
    expect(joined(node('Nested Loop', 2.5e8, scan('answers', 1e7), scan('questions', 25)))).toEqual([
      'public.answers public.questions',
    ]);
    // one session, its questions
    expect(joined(node('Nested Loop', 1e7, scan('sessions', 400_000), scan('questions', 25)))).toEqual([]);
    const computed = node('CTE Scan', 1e7);
    expect(joined(node('Hash Join', 1e9, scan('answers', 1e7), computed))).toEqual([]);
  });
});

describe('the report of lint', () => {
  const result = {
    environment: 'staging',
    files: [{ file: 'a.sql', text: '', check: null, problems: [] }],
    open: [],
    sizes: new Map<string, number | null>([['public.test_sessions', 1234]]),
  };
  const problem = {
    code: 'cost',
    severity: 'warn' as const,
    file: 'a.sql',
    line: 3,
    key: 'cost',
    message: 'wrong',
    hint: 'right',
  };
  const withProblems = (
    ...problems: (typeof problem | (Omit<typeof problem, 'severity'> & { severity: 'error' }))[]
  ) => ({
    ...result,
    files: [{ file: 'a.sql', text: '', check: null, problems }],
  });
  const away = { id: 'database', title: 'all', outcome: 'unknown' as const, message: 'away' };

  it('ends with 0 with warnings, 1 with an error, 3 when the database could not be asked', () => {
    expect(lintReport(result).exitCode).toBe(0);
    expect(lintReport(withProblems(problem)).exitCode).toBe(0);
    expect(lintReport({ ...result, open: [away] }).exitCode).toBe(3);
    expect(lintReport({ ...withProblems({ ...problem, severity: 'error' }), open: [away] }).exitCode).toBe(1);
  });

  it('says that the plan is right only when a database of some size was asked', () => {
    const messageOf = (more: object) => lintReport({ ...result, ...more }).outcomes?.[0]?.message;
    const sizes = new Map([['public.session_answers', 9_700_000]]);
    expect(messageOf({ sizes })).toBe('header, statement, columns and plan are right on staging');
    expect(messageOf({})).toContain('staging is too small to judge the plan');
    expect(messageOf({ sizes, open: [away] })).not.toContain('plan');
    expect(messageOf({ environment: null })).not.toContain('plan');
  });

  it('has a line for each problem, as editors and CI find it', () => {
    const { blocks } = lintReport(withProblems(problem));
    expect(blocks[0]).toEqual({ type: 'code', text: 'warning: a.sql:3 cost: wrong (right)' });
  });
});
