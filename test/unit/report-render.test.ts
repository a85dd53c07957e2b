import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Secret } from '../../src/config/secret.ts';
import { UsageError } from '../../src/lifecycle/errors.ts';
import type { OutcomeRecord } from '../../src/lifecycle/outcome.ts';
import { type RenderOptions, renderReport } from '../../src/report/render.ts';
import type { OutputFormat, Report } from '../../src/report/report.ts';

const outcomes: readonly OutcomeRecord[] = [
  { id: 'scores', title: 'each session has a score', outcome: 'pass', message: '1203 sessions looked at' },
  { id: 'late', title: 'no submit is late', outcome: 'warn', message: '2 are', hint: 'look at them' },
  {
    id: 'answers',
    title: 'each acknowledged answer is stored',
    outcome: 'fail',
    message: '3 of 1200 are lost',
    hint: 'examctl integrity show missing-answers',
    evidence: ['evidence/ledger.ndjson'],
  },
  { id: 'pool', title: 'the pool has room', outcome: 'unknown', message: 'the database did not answer' },
  { id: 'mastery', title: 'mastery is computed once', outcome: 'skipped', message: 'not in this window' },
];

const report: Report = {
  kind: 'integrity',
  data: { checked: 5, at: new Date('2026-02-14T09:00:00Z') },
  outcomes,
  blocks: [
    { type: 'heading', text: 'Integrity' },
    { type: 'text', text: 'Looked at the exams of today.' },
    { type: 'outcomes', outcomes },
    {
      type: 'table',
      columns: [{ title: 'session' }, { title: 'lost', align: 'right' }, { title: 'open' }],
      rows: [
        ['a1', 3, true],
        ['b22', 10, null],
      ],
    },
    { type: 'list', items: ['one', 'two'] },
    { type: 'verdict', verdict: 'NO-GO', text: '1 gate failed' },
    { type: 'code', text: 'examctl recover\n' },
  ],
};

function render(one: Report, format: OutputFormat, options: Partial<RenderOptions> = {}) {
  return renderReport(one, { format, colour: false, width: 100, terminal: true, ...options });
}

const blocksOnly = (...blocks: Report['blocks']): Report => ({ kind: 'x', data: {}, blocks });

describe('a table on a terminal', () => {
  test('has aligned columns, and a word beside each mark', async () => {
    expect(await render(report, 'table')).toBe(`Integrity
Looked at the exams of today.

✔ pass     each session has a score: 1203 sessions looked at
! warn     no submit is late: 2 are
           hint: look at them
✖ fail     each acknowledged answer is stored: 3 of 1200 are lost
           hint: examctl integrity show missing-answers
? unknown  the pool has room: the database did not answer
- skipped  mastery is computed once: not in this window

session  lost  open
a1          3  yes
b22        10  -

- one
- two

NO-GO 1 gate failed

examctl recover
`);
  });

  test('tells a reason that many share once, with all their titles, at the place of the first', async () => {
    const down = (id: string) => ({
      id,
      title: `${id} is right`,
      outcome: 'unknown' as const,
      message: 'the database did not answer',
      hint: 'start it',
    });
    const seen = { id: 'seen', title: 'seen', outcome: 'pass' as const, message: 'no findings' };
    const page = (...ids: string[]) =>
      render(blocksOnly({ type: 'outcomes', outcomes: [down('a'), seen, ...ids.map(down)] }), 'table');

    expect(await page('b', 'c')).toBe(`? unknown  3 times: the database did not answer
           hint: start it
           a is right; b is right; c is right
✔ pass     seen: no findings
`);
    expect(await page('b')).toContain('? unknown  b is right: the database did not answer');
  });

  test('colours marks, headings and the verdict, and nothing but them', async () => {
    const coloured = await render(report, 'table', { colour: true });
    const [green, yellow, red, magenta] = [32, 33, 31, 35].map((code) => `\u001b[${code}m`);
    expect(coloured).toContain(`${green}✔ pass\u001b[39m`);
    expect(coloured).toContain(`${yellow}! warn\u001b[39m`);
    expect(coloured).toContain(`${red}✖ fail\u001b[39m`);
    expect(coloured).toContain(`${magenta}? unknown\u001b[39m`);
    expect(coloured).toContain('\u001b[2m- skipped\u001b[22m');
    expect(coloured).toContain('\u001b[1mIntegrity\u001b[22m');
    expect(coloured).toContain('\u001b[1msession\u001b[22m  \u001b[1mlost\u001b[22m');
    expect(coloured).toContain(`${red}NO-GO`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(await render(report, 'table'));
  });

  test.each([60, 40, 20])('stays within %i columns, and loses nothing', async (width) => {
    const wide = blocksOnly(
      { type: 'text', text: 'A sentence of several words that is longer than a narrow terminal is wide.' },
      { type: 'outcomes', outcomes },
      {
        type: 'table',
        columns: ['id', 'student', 'question', 'what happened', 'since'].map((title) => ({ title })),
        rows: [
          [
            '8f14e45f-ceea-467f-a0e6-b3a1',
            'student-0001',
            '17',
            'the answer was acknowledged, not stored',
            '09:41',
          ],
        ],
      },
    );
    const text = await render(wide, 'table', { width });
    for (const line of text.split('\n')) expect(line.length).toBeLessThan(width);
    const squeezed = text.replace(/\s/g, '');
    expect(squeezed).toContain('student-0001');
    for (const word of ['sentence', 'acknowledged', 'unknown', 'question', '09:41'])
      expect(squeezed).toContain(word);
  });

  test('a very narrow terminal gets a paragraph for each row', async () => {
    const table: Report['blocks'][number] = {
      type: 'table',
      columns: ['name', 'platform', 'driver', 'note'].map((title) => ({ title })),
      rows: [
        ['staging', 'exam-platform', 'compose', ''],
        ['sandbox', 'exam-platform', 'sandbox', 'built in'],
      ],
    };
    expect(await render(blocksOnly(table), 'table', { width: 30 })).toBe(
      'name: staging\nplatform: exam-platform\ndriver: compose\n\n' +
        'name: sandbox\nplatform: exam-platform\ndriver: sandbox\nnote: built in\n',
    );
  });

  describe('with ids', () => {
    const session = '8f14e45f-ceea-467f-a0e6-b3a1c0ffee42';
    const at = '2026-05-04T09:00:00.000Z';
    const found: Report['blocks'][number] = {
      type: 'table',
      columns: ['session_id', 'user_id', 'cause', 'expires_at'].map((title) => ({ title })),
      rows: [
        [session, 'student-0a1b2c3d', 'the session was never ended by anybody', at],
        [session.replace('8', '9'), 'student-1a1b2c3d', null, at],
      ],
    };
    const shown = (width: number) => render(blocksOnly(found), 'table', { width });

    test.each([80, 110, 150])('never cuts one at %i columns', async (width) => {
      const text = await shown(width);

      for (const id of [session, session.replace('8', '9'), 'student-0a1b2c3d', at])
        expect(text).toContain(id);
      for (const line of text.split('\n')) expect(line.length).toBeLessThan(width);
    });

    test('is columns at 150, columns with wrapped sentences at 110, and blocks at 80', async () => {
      const head = 'session_id                            user_id           cause';
      expect((await shown(150)).split('\n')).toHaveLength(4);
      expect(await shown(150)).toContain(head);
      expect((await shown(110)).split('\n').length).toBeGreaterThan(4);
      expect(await shown(110)).toContain(head);
      expect(await shown(80)).toBe(`session_id: ${session}
user_id: student-0a1b2c3d
cause: the session was never ended by anybody
expires_at: ${at}

session_id: ${session.replace('8', '9')}
user_id: student-1a1b2c3d
cause: -
expires_at: ${at}
`);
    });

    test('breaks a name only between its parts', async () => {
      const checks: Report['blocks'][number] = {
        type: 'table',
        columns: [{ title: 'check' }, { title: 'what must hold' }],
        rows: [['answers-to-missing-questions', 'each answered question exists in the bank of questions']],
      };

      const text = await render(blocksOnly(checks), 'table', { width: 30 });
      for (const part of ['answers-', 'to-', 'missing-', 'questions'])
        expect(text).toMatch(new RegExp(`^${part} `, 'm'));
    });

    test('never cuts one in a sentence', async () => {
      const said: Report['blocks'][number] = {
        type: 'table',
        columns: [{ title: 'check' }, { title: 'what was seen in the run' }],
        rows: [['lost-answers', `two answers (${session}, ${at}) were acknowledged, and are not there`]],
      };

      const text = await render(blocksOnly(said), 'table', { width: 60 });
      expect(text).toContain(session);
      expect(text).toContain(at);
      expect(text).toMatch(/^check {9}what was seen/);
    });

    test('cuts only words that are none, and one that is wider than the terminal', async () => {
      const path: Report['blocks'][number] = {
        type: 'table',
        columns: [{ title: 'n' }, { title: 'file' }],
        rows: [[1, '/var/lib/examctl/a-folder-whose-name-is-long/run-2026/evidence.ndjson']],
      };
      expect(await render(blocksOnly(path), 'table', { width: 40 })).toMatch(/^n {2}file\n1 {2}\/var\/lib/);
      const narrow = await shown(30);
      for (const line of narrow.split('\n')) expect(line.length).toBeLessThan(30);
      expect(narrow.replace(/\s/g, '')).toContain(session);
    });
  });

  test('wide characters keep the columns aligned', async () => {
    const table: Report['blocks'][number] = {
      type: 'table',
      columns: [{ title: 'name' }, { title: 'n' }],
      rows: [
        ['試験', 1],
        ['exam', 2],
      ],
    };
    expect(await render(blocksOnly(table), 'table')).toBe('name  n\n試験  1\nexam  2\n');
  });

  test('a table without rows still has its header', async () => {
    const table: Report['blocks'][number] = { type: 'table', columns: [{ title: 'name' }], rows: [] };
    expect(await render(blocksOnly(table), 'table')).toBe('name\n');
  });

  test('code is never wrapped, so that it can be copied', async () => {
    const command = `examctl ${'--long-flag '.repeat(20)}`.trim();
    expect(await render(blocksOnly({ type: 'code', text: command }), 'table', { width: 40 })).toBe(
      `${command}\n`,
    );
  });

  test.each([true, false])(
    'escape sequences in data do not reach the output (terminal: %s)',
    async (terminal) => {
      const evil = '\u001b]0;owned\u0007\u001b[2Jname\r\n\u009bm';
      const text = await render(
        blocksOnly(
          { type: 'text', text: evil },
          { type: 'table', columns: [{ title: 'x' }], rows: [[evil]] },
          {
            type: 'outcomes',
            outcomes: [{ id: 'x', title: evil, outcome: 'fail', message: evil, hint: evil }],
          },
          { type: 'list', items: [evil] },
          { type: 'code', text: evil },
          { type: 'heading', text: evil },
          { type: 'verdict', verdict: 'GO', text: evil },
        ),
        'table',
        { terminal },
      );
      expect(text.replace(/[\n\t]/g, '')).not.toMatch(/\p{Cc}/u);
      expect(text).toContain('name');
    },
  );
});

describe('a table in a pipe', () => {
  test('is tab-separated with a header, without marks or alignment', async () => {
    expect(await render(report, 'table', { terminal: false })).toBe(`Integrity
Looked at the exams of today.
outcome\tid\ttitle\tmessage\thint
pass\tscores\teach session has a score\t1203 sessions looked at\t
warn\tlate\tno submit is late\t2 are\tlook at them
fail\tanswers\teach acknowledged answer is stored\t3 of 1200 are lost\texamctl integrity show missing-answers
unknown\tpool\tthe pool has room\tthe database did not answer\t
skipped\tmastery\tmastery is computed once\tnot in this window\t
session\tlost\topen
a1\t3\ttrue
b22\t10\t
one
two
NO-GO\t1 gate failed
examctl recover
`);
  });

  test('a row stays one line, whatever a cell holds', async () => {
    const table: Report['blocks'][number] = {
      type: 'table',
      columns: [{ title: 'x' }, { title: 'y' }],
      rows: [['a\tb\nc', 1]],
    };
    const lines = (await render(blocksOnly(table), 'table', { terminal: false })).trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]?.split('\t')).toHaveLength(2);
  });
});

describe('a report that only shows', () => {
  const list: Report = { kind: 'integrity.list', data: {}, onlyShows: true, blocks: [] };

  test.each(['junit', 'github'] as const)('is refused as %s, which would invent a test', async (format) => {
    const refused = render(list, format);

    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toMatchObject({
      message: `-o ${format} is for what passes or fails, and nothing of integrity list does`,
      hint: 'use -o table, json, ndjson, yaml or markdown',
    });
  });

  test.each(['table', 'json', 'ndjson', 'yaml', 'markdown'] as const)('is printed as %s', async (format) => {
    await expect(render(list, format)).resolves.toEqual(expect.any(String));
  });
});

describe('json', () => {
  test('has the schema in front and dates as ISO 8601', async () => {
    expect(await render(report, 'json', { terminal: false })).toBe(
      '{"schema":"examctl/integrity/v1","checked":5,"at":"2026-02-14T09:00:00.000Z"}\n',
    );
    expect(await render({ ...report, version: 2 }, 'json')).toMatch(
      /^\{\n {2}"schema": "examctl\/integrity\/v2",\n/,
    );
  });

  test('is valid whatever the data holds', async () => {
    const data = {
      big: 10n,
      huge: 2n ** 80n,
      map: new Map([['a', 1]]),
      set: new Set([1]),
      nan: Number.NaN,
      error: new TypeError('no'),
      text: '\ud800\u0000',
      nothing: undefined,
    };
    const text = await render({ kind: 'x', data, blocks: [] }, 'json', { terminal: false });
    expect(JSON.parse(text)).toEqual({
      schema: 'examctl/x/v1',
      big: 10,
      huge: String(2n ** 80n),
      map: { a: 1 },
      set: [1],
      nan: null,
      error: { error: 'TypeError', message: 'no' },
      text: '\ud800\u0000',
    });
  });

  test('a list gets a name, as the document is always an object', async () => {
    const text = await render({ kind: 'x', data: [1, 2], blocks: [] }, 'json');
    expect(JSON.parse(text)).toEqual({ schema: 'examctl/x/v1', items: [1, 2] });
  });
});

describe('yaml and ndjson', () => {
  test('yaml holds the same data as json', async () => {
    const shared = { a: 'yes', b: '2026-02-14', c: ['0123', ''] };
    const one: Report = { kind: 'x', data: { ...report.data, first: shared, second: shared }, blocks: [] };
    const yaml = await render(one, 'yaml');
    expect(parse(yaml)).toEqual(JSON.parse(await render(one, 'json')));
    expect(yaml).not.toMatch(/[&*]a\d/);
  });

  test('ndjson is one row a line', async () => {
    const rows = [{ a: 1 }, { a: 'x\ny' }];
    expect(await render({ ...report, rows }, 'ndjson')).toBe('{"a":1}\n{"a":"x\\ny"}\n');
    expect(await render({ ...report, rows: [] }, 'ndjson')).toBe('');
  });

  test('without rows, ndjson has the outcomes, else the data', async () => {
    expect(
      (await render(report, 'ndjson'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(outcomes);
    expect(await render({ kind: 'x', data: { a: 1 }, blocks: [] }, 'ndjson')).toBe(
      '{"schema":"examctl/x/v1","a":1}\n',
    );
  });
});

describe('markdown', () => {
  test('has headings, lists, tables and fenced code', async () => {
    const text = await render(report, 'markdown');
    expect(text).toContain('## Integrity\n\nLooked at');
    expect(text).toContain(
      '| session | lost | open |\n| --- | ---: | --- |\n| a1 | 3 | yes |\n| b22 | 10 |  |',
    );
    expect(text).toContain('| ✖ fail | each acknowledged answer is stored | 3 of 1200 are lost |');
    expect(text).toContain('**NO-GO** 1 gate failed');
    expect(text).toContain('```\nexamctl recover\n```\n');
  });

  test('data cannot end a cell, a fence, or become markup', async () => {
    const text = await render(
      blocksOnly(
        { type: 'table', columns: [{ title: 'a|b' }], rows: [['x|y\\|z\n<script>*b*']] },
        { type: 'code', text: 'a\n````\nb' },
      ),
      'markdown',
    );
    expect(text).toContain('| a\\|b |');
    expect(text).toContain('| x\\|y\\\\\\|z<br>&lt;script>\\*b\\* |');
    expect(text).toContain('`````\na\n````\nb\n`````');
  });
});

describe('junit', () => {
  test('fail is a failure, unknown an error, skipped is skipped, warn goes to system-out', async () => {
    const xml = await render(report, 'junit');
    expect(xml).toContain(
      '<testsuite name="examctl integrity" tests="5" failures="1" errors="1" skipped="1">',
    );
    expect(xml).toContain(
      '<failure message="3 of 1200 are lost" type="fail">3 of 1200 are lost\nhint: examctl integrity',
    );
    expect(xml).toContain('evidence: evidence/ledger.ndjson');
    expect(xml).toContain('<error message="the database did not answer" type="unknown">');
    expect(xml).toContain('<skipped message="not in this window"/>');
    expect(xml).toContain('<system-out>warn: 2 are\nhint: look at them</system-out>');
    expect(xml).toContain('classname="examctl.integrity.answers" name="each acknowledged answer is stored"');
  });

  test('what XML cannot hold is replaced, what it reserves is escaped', async () => {
    const message = 'a<b> & "c" \'d\' \u0000\u001b[31m\u0085 \ud800 \ufffe ]]> line\nbreak';
    const xml = await render(
      { ...report, outcomes: [{ id: 'x', title: 'x\ny', outcome: 'fail', message }] },
      'junit',
    );
    expect(xml).toContain('name="x&#10;y"');
    expect(xml).toContain(
      'message="a&lt;b&gt; &amp; &quot;c&quot; &apos;d&apos; \ufffd\ufffd[31m\u0085 \ufffd \ufffd ]]&gt; line&#10;break"',
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
  });

  test.each([
    [0, 'failures="0" errors="0"'],
    [1, 'failures="1" errors="0"'],
    [2, 'failures="1" errors="0"'],
    [3, 'failures="0" errors="1"'],
    [6, 'failures="1" errors="0"'],
  ])('a report without outcomes and exit code %i is one test with %s', async (exitCode, counts) => {
    const xml = await render({ kind: 'x', data: {}, blocks: [], exitCode }, 'junit');
    expect(xml).toContain(`tests="1" ${counts}`);
  });
});

test.each(['table', 'json', 'ndjson', 'yaml', 'markdown', 'junit'] as const)(
  '%s does not print a secret',
  async (format) => {
    const secret = Secret.of('hunter2');
    const text = secret as unknown as string;
    const leaking: Report = {
      kind: 'x',
      data: { secret, map: new Map([['deep', [secret]]]) },
      rows: [{ secret }],
      outcomes: [{ id: 'x', title: text, outcome: 'fail', message: text, hint: text }],
      blocks: [
        { type: 'table', columns: [{ title: 'x' }], rows: [[text]] },
        {
          type: 'outcomes',
          outcomes: [{ id: 'x', title: text, outcome: 'fail', message: text, hint: text }],
        },
      ],
    };
    for (const terminal of [true, false]) {
      const shown = await render(leaking, format, { terminal });
      expect(shown).toContain('***'.replace(/\*/g, format === 'markdown' ? '\\*' : '*'));
      expect(shown).not.toContain('hunter2');
    }
  },
);

test.each(['json', 'yaml', 'markdown', 'junit', 'table'] as const)(
  '%s ends with one newline',
  async (format) => {
    expect(await render(report, format)).toMatch(/[^\n]\n$/);
  },
);
