import { describe, expect, it } from 'vitest';
import { csvRows } from '../../src/lifecycle/csv.ts';
import { decodeText } from '../../src/lifecycle/decode-text.ts';
import { ConfigError } from '../../src/lifecycle/errors.ts';

const columns = { required: ['user_id', 'token'], optional: ['note'] } as const;

async function read(text: string) {
  const rows = await csvRows<'user_id' | 'token' | 'note'>(text, 'students.csv', columns);
  return rows.map(({ line, value }) => [line, value('user_id'), value('token'), value('note')]);
}

describe('a table of people', () => {
  const students = [
    [2, 'u1', 'a,1', ''],
    [3, 'u2', 'b', ''],
  ];

  it.each([
    ['LF', 'user_id,token\nu1,"a,1"\nu2,b\n'],
    ['CRLF', 'user_id,token\r\nu1,"a,1"\r\nu2,b'],
    ['CR, of old spreadsheets', 'user_id,token\ru1,"a,1"\ru2,b\r'],
    ['semicolons, and another order of the columns', 'token;user_id\n"a,1";u1\nb;u2\n'],
    ['tabs', 'user_id\ttoken\nu1\ta,1\nu2\tb\n'],
    ['a byte order mark before quotes', '\uFEFF"user_id","token"\n"u1","a,1"\n"u2","b"\n'],
    [
      'blanks around the values, and capitals in the header',
      ' User_ID , TOKEN \nu1 , "a,1" \nu2 , b, more\n',
    ],
  ])('is read with %s', async (_, text) => {
    expect(await read(text)).toEqual(students);
  });

  it('has the line on which each row begins, after empty lines and values of several lines', async () => {
    expect(await read('user_id,token,note\n\nu1,a,"two\r\n""lines"""\n , \nu2,b,\n')).toEqual([
      [3, 'u1', 'a', 'two\n"lines"'],
      [6, 'u2', 'b', ''],
    ]);
  });

  it('may begin with the line by which Excel says what parts the values', async () => {
    expect(await read('sep=;\nuser_id;token\nu1;a\n')).toEqual([[3, 'u1', 'a', '']]);
  });

  it.each([
    ['', ':1 must have the columns user_id,token, it is empty'],
    ['user_id,mail\nu1,SECRET\n', ':1 must have the columns user_id,token, it has user_id,mail'],
    ['user_id,SECRET-1\n', ':1 must have the columns user_id,token, it has user_id and 1 that is no name'],
    ['u1,s1@SECRET.example,SECRET\n', ':1 must have the columns user_id,token, this line has none of them'],
    ['\n\nu1;secret\nu2;secret\n', ':3 must have the columns user_id,token, this line has none of them'],
    ['user_id,token\nu0,x\nu1,"SECRET\nu2,SECRET\n', ':3 has a quote that is not closed'],
    ['user_id,token\nu1,a "SECRET" c\n', ':2 has a quote that does not enclose a whole value'],
    ['user_id,token\nu1,"SECRET" c\n', ':2 has a quote that does not enclose a whole value'],
  ])('that cannot be read is named by its line, and no value is shown: %j', async (text, message) => {
    const problem = await read(text).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(ConfigError);
    expect((problem as ConfigError).message).toContain(`students.csv${message}`);
    expect(`${(problem as ConfigError).message} ${(problem as ConfigError).hint}`).not.toMatch(/secret/i);
  });
});

describe('text of a file', () => {
  const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16();

  it.each([
    ['UTF-8', Buffer.from('user_id,Zoë')],
    ['UTF-8 with a mark', Buffer.from('\uFEFFuser_id,Zoë')],
    ['UTF-16 with a mark', Buffer.from('\uFEFFuser_id,Zoë', 'utf16le')],
    ['UTF-16 without', Buffer.from('user_id,Zoë', 'utf16le')],
    ['UTF-16, big end first, with a mark', bigEndian('\uFEFFuser_id,Zoë')],
    ['UTF-16, big end first, without', bigEndian('user_id,Zoë')],
  ])('is read as %s', (_, bytes) => {
    expect(decodeText(bytes)).toBe('user_id,Zoë');
  });

  it('may be empty', () => expect(decodeText(Buffer.of())).toBe(''));
});
