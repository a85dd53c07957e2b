import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSqlFile, readPackagedSql, readSqlFolder, type SqlFile } from '../../src/adapters/sql-files.ts';
import { checksFrom, parseColumns } from '../../src/checks/checks-from.ts';
import { checkCatalogue } from '../../src/checks/index.ts';
import { ConfigError } from '../../src/lifecycle/errors.ts';

const header = {
  id: 'empty-stems',
  title: 'each question has a text',
  question: 'which questions have no text?',
  severity: 'minor',
  finding: 'the student sees options without a question',
  remedy: 'write the text',
  columns: 'question_id (the question), user_id (personal: its author)',
  cost: 'index; milliseconds',
};

const textOf = (fields: Record<string, string>, sql = 'SELECT 1') =>
  `${Object.entries(fields)
    .map(([key, value]) => `-- ${key}: ${value}`)
    .join('\n')}\n${sql}\n`;

const sourceOf = (fields: Record<string, string>, file = 'empty-stems.sql') =>
  parseSqlFile(file, textOf(fields)) as SqlFile;

const messageOf = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('a SQL file', () => {
  it('is read as header and statement, without the closing semicolon', () => {
    const parsed = parseSqlFile(
      'a.sql',
      '-- title: one\n--   and more\n-- cost: none\nSELECT 1\n-- why\nFROM a;\n',
    );

    expect(parsed).toMatchObject({ sql: 'SELECT 1\n-- why\nFROM a' });
    expect((parsed as SqlFile).header.get('title')).toEqual({ value: 'one and more', line: 1 });
    expect((parsed as SqlFile).header.get('cost')).toEqual({ value: 'none', line: 3 });
  });

  it('tells every problem of its header with file and line', () => {
    const parsed = parseSqlFile('a.sql', '-- title: one\n-- title: two\n--nonsense\n');

    expect(parsed).toEqual({
      problems: [
        'a.sql:2 title: is given twice',
        expect.stringMatching(/^a\.sql:3 "--nonsense" is neither/),
        expect.stringMatching(/^a\.sql:4 has no statement/),
      ],
    });
  });
});

describe('a folder of checks', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-checks-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('may be the user’s own', async () => {
    writeFileSync(join(folder, 'empty-stems.sql'), textOf(header));
    writeFileSync(join(folder, 'README.md'), 'not a check');

    const checks = checksFrom(await readSqlFolder(folder));

    expect(checks).toMatchObject([
      { id: 'empty-stems', file: join(folder, 'empty-stems.sql'), sql: 'SELECT 1' },
    ]);
  });

  it('tells the problems of all its files at once', async () => {
    writeFileSync(join(folder, 'a.sql'), '--x\nSELECT 1');
    writeFileSync(join(folder, 'b.sql'), '-- id: b\n');

    await expect(readSqlFolder(folder)).rejects.toThrow(/a\.sql:1 .*\n.*b\.sql:2 has no statement/);
  });

  it('that cannot be read is named with the setting to check', async () => {
    await expect(readSqlFolder(join(folder, 'nowhere'))).rejects.toMatchObject({
      message: expect.stringContaining('nowhere cannot be read: ENOENT'),
      hint: expect.stringContaining('checks.folder'),
    });
  });
});

describe('the header of a check', () => {
  it('names key, file and line of what is missing, unknown or wrong', () => {
    const { cost: _, ...rest } = header;

    const message = messageOf(() => checksFrom([sourceOf({ ...rest, severity: 'huge', colour: 'red' })]));

    expect(message.split('\n')).toEqual([
      'empty-stems.sql:1 cost: is missing',
      'empty-stems.sql:8 colour: is not a key of a check',
      'empty-stems.sql:4 severity: "huge" is none of critical, major, minor, info',
    ]);
  });

  it('must bear the name of the file, and no other check may bear it', () => {
    expect(messageOf(() => checksFrom([sourceOf(header, 'other.sql')]))).toContain(
      'other.sql:1 id: "empty-stems" is not the name',
    );
    expect(
      messageOf(() => checksFrom([sourceOf(header), sourceOf(header, 'own/empty-stems.sql')])),
    ).toContain('own/empty-stems.sql:1 id: "empty-stems" is the id of empty-stems.sql too');
  });

  it('must not end in the name of the file only', () => {
    expect(messageOf(() => checksFrom([sourceOf({ ...header, id: 'stems' })]))).toContain(
      '"stems" is not the name of the file',
    );
  });

  it('must mark the columns that name a student', () => {
    const message = messageOf(() =>
      checksFrom([sourceOf({ ...header, columns: 'user_id (the student), email (personal: address)' })]),
    );

    expect(message).toBe(
      'empty-stems.sql:7 columns: user_id names a student: write "user_id (personal: ...)"',
    );
  });

  it('explains columns as name (meaning), and says from where it is not understood', () => {
    expect(parseColumns('a (first), b (personal: who)')).toEqual([
      { name: 'a', meaning: 'first', personal: false },
      { name: 'b', meaning: 'who', personal: true },
    ]);
    expect(parseColumns('a (first), b')).toBe('b');
  });

  it('puts the most severe check first', () => {
    const checks = checksFrom([
      sourceOf({ ...header, id: 'c', severity: 'info' }, 'c.sql'),
      sourceOf({ ...header, id: 'b', severity: 'critical' }, 'b.sql'),
      sourceOf({ ...header, id: 'a', severity: 'critical' }, 'a.sql'),
    ]);

    expect(checks.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });
});

describe('the checks that come with examctl', () => {
  it('must all be there', async () => {
    const sources = await readPackagedSql('exam-platform', 'checks');

    const none = { classic: [], views: [], windows: [] };
    expect(checkCatalogue('exam-platform', { ...none, checks: sources }).checks).toHaveLength(sources.length);
    expect(() => checkCatalogue('exam-platform', { ...none, checks: sources.slice(1) })).toThrow(
      /lacks announced-scores/,
    );
  });
});
