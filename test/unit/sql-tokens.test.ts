import { describe, expect, it } from 'vitest';
import { sqlTokens } from '../../src/checks/lint/sql-tokens.ts';

const texts = (sql: string) => sqlTokens(sql).tokens.map(({ text }) => text);
const kinds = (sql: string) => sqlTokens(sql).tokens.map(({ kind, text }) => `${kind} ${text}`);

describe('tokens of SQL', () => {
  it('are what PostgreSQL understands: words in lower case, quoted names as written', () => {
    expect(kinds('SELECT Id, "Id", "a""b" FROM T1')).toEqual([
      'word select',
      'word id',
      'symbol ,',
      'name Id',
      'symbol ,',
      'name a"b',
      'word from',
      'word t1',
    ]);
  });

  it('leave out comments, nested ones too', () => {
    expect(texts('SELECT 1 -- DELETE\n/* a /* b */ DELETE */ + 2 --end')).toEqual(['select', '1', '+', '2']);
  });

  it.each([
    ["'it''s; -- DELETE'"],
    ["E'it\\'s; DELETE'"],
    ["e'\\\\'"],
    ["B'01'"],
    ["x'ff'"],
    ["N'n'"],
    ["U&'\\0041'"],
    ["$$it's; DELETE$$"],
    ['$tag$ $$ $other$ $tag$'],
    ['$été$ x $été$'],
  ])('take %s for one string', (string) => {
    expect(kinds(`SELECT ${string}, 1`)).toEqual(['word select', `string ${string}`, 'symbol ,', 'number 1']);
  });

  it('know that a backslash ends nothing in a plain string', () => {
    expect(texts("SELECT '\\', 1")).toEqual(['select', "'\\'", ',', '1']);
  });

  it('tell parameters from dollar quotes and from dollars in names', () => {
    expect(kinds('$1 $12 a$1 $$x$$')).toEqual(['parameter $1', 'parameter $12', 'word a$1', 'string $$x$$']);
  });

  it('read numbers, casts and operators', () => {
    expect(texts("a.b->>'k'::text <> 1.5e-3 AND .5")).toEqual([
      'a',
      '.',
      'b',
      '-',
      '>',
      '>',
      "'k'",
      ':',
      ':',
      'text',
      '<',
      '>',
      '1.5e-3',
      'and',
      '.5',
    ]);
  });

  it('know their lines, also after strings and comments of several lines', () => {
    const { tokens } = sqlTokens("SELECT 'a\nb',\n/* c\nd */ x\r\nFROM t");
    expect(tokens.map(({ text, line }) => [text, line])).toEqual([
      ['select', 1],
      ["'a\nb'", 1],
      [',', 2],
      ['x', 4],
      ['from', 5],
      ['t', 5],
    ]);
  });

  it.each([
    ["SELECT\n'a", 'string', 2],
    ["SELECT E'a\\'", 'string', 1],
    ['SELECT $a$ x $$', 'string', 1],
    ['SELECT "a', 'quoted name', 1],
    ['SELECT 1\n/* /* */', 'comment', 2],
  ])('of %j tell what is never closed', (sql, what, line) => {
    const { tokens, unclosed } = sqlTokens(sql);
    expect(unclosed).toEqual({ what, line });
    expect(tokens[0]?.text).toBe('select');
  });

  it('take a comment at the very end, and nothing at all', () => {
    expect(sqlTokens('SELECT 1 --').unclosed).toBeNull();
    expect(sqlTokens('')).toEqual({ tokens: [], unclosed: null });
  });

  it('take a time that grows with the length of the text only', () => {
    // squared, this would be hours, and the test's own time be over
    const length = 1_000_000;
    expect(sqlTokens(`SELECT '${"''".repeat(length)}`)).toBeDefined();
    expect(sqlTokens(`SELECT ${'/*'.repeat(length)}`)).toBeDefined();
  });
});
