import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/lifecycle/errors.ts';
import { explainError } from '../../src/main/explain-error.ts';
import { printReport, requestedFormat, writeReport } from '../../src/main/output.ts';
import type { Report } from '../../src/report/report.ts';

const report: Report = {
  kind: 'test',
  data: { verdict: 'NO-GO' },
  outcomes: [{ id: 'gate-1', title: 'it holds', outcome: 'fail', message: 'it does not' }],
  blocks: [
    { type: 'heading', text: 'A heading' },
    { type: 'outcomes', outcomes: [{ id: 'gate-1', title: 'it holds', outcome: 'fail', message: 'no' }] },
  ],
};

async function printed(options: { env?: NodeJS.ProcessEnv; colour?: boolean; terminal?: boolean } = {}) {
  const { env = {}, colour = true, terminal = false } = options;
  const stream = Object.assign(new PassThrough(), { isTTY: terminal, columns: 80 });
  await printReport(report, {
    stdout: stream as unknown as NodeJS.WriteStream,
    env,
    colour,
    format: 'table',
  });
  return String(stream.read());
}
const escapeCode = '\u001b[';

describe('-o', () => {
  it('is table when it is not given', () => {
    expect(requestedFormat()).toBe('table');
    expect(requestedFormat('junit')).toBe('junit');
  });

  it('names the nearest format of one that does not exist', () => {
    const ask = () => requestedFormat('jsn');
    expect(ask).toThrow(UsageError);
    expect(ask).toThrow(expect.objectContaining({ hint: expect.stringContaining('did you mean "json"?') }));
  });
});

describe('colours', () => {
  it.each([
    ['on a terminal', { terminal: true }, true],
    ['not in a pipe', {}, false],
    ['not with NO_COLOR', { terminal: true, env: { NO_COLOR: '1' } }, false],
    ['not with FORCE_COLOR=0', { terminal: true, env: { FORCE_COLOR: '0' } }, false],
    [
      'not with FORCE_COLOR and NO_COLOR, which wins',
      { terminal: true, env: { NO_COLOR: '1', FORCE_COLOR: '1' } },
      false,
    ],
    ['not with --no-color', { terminal: true, colour: false }, false],
    ['with an empty NO_COLOR, which means nothing', { terminal: true, env: { NO_COLOR: '' } }, true],
  ] satisfies [string, Parameters<typeof printed>[0], boolean][])(
    'are there: %s',
    async (_, options, coloured) => {
      expect((await printed(options)).includes(escapeCode)).toBe(coloured);
    },
  );
});

describe('stdout that is closed', () => {
  const failing = (code: string) =>
    new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error(`write ${code}`), { code })),
    }).on('error', () => undefined) as unknown as NodeJS.WriteStream;
  const print = (code: string) =>
    printReport(report, { stdout: failing(code), env: {}, colour: false, format: 'json' });

  it('by its reader is no error', async () => {
    await expect(print('EPIPE')).resolves.toBeUndefined();
  });

  it('by a full disk is one', async () => {
    await expect(print('ENOSPC')).rejects.toThrow('the output cannot be written to stdout: write ENOSPC');
  });

  it.each([
    ['ENOSPC', 'the disk is full: make room where it goes'],
    ['EIO', 'send it somewhere else'],
  ])('(%s) is not blamed on the state folder', async (code, hint) => {
    const error = await print(code).catch((thrown: unknown) => thrown);
    const { exitCode, text } = explainError(error, false);

    expect(exitCode).toBe(3);
    expect(text).toContain(hint);
    expect(text).not.toContain('--state');
  });
});

describe('a report in a folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-output-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is there in every format, with a manifest of every file that no longer changes', async () => {
    mkdirSync(join(folder, 'evidence'));
    writeFileSync(join(folder, 'evidence/load.json'), '{}');
    writeFileSync(join(folder, 'journal.ndjson'), 'it goes on');
    await writeReport(report, folder, report);
    const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    expect(files.map(({ file }: { file: string }) => file)).toEqual([
      'evidence/load.json',
      'junit.xml',
      'report.html',
      'report.json',
      'report.md',
    ]);
    for (const { file, sha256, bytes } of files) {
      const content = readFileSync(join(folder, file));
      expect(sha256).toBe(createHash('sha256').update(content).digest('hex'));
      expect(bytes).toBe(content.length);
    }
    expect(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))).toMatchObject({ verdict: 'NO-GO' });
    expect(readFileSync(join(folder, 'report.md'), 'utf8')).toContain('A heading');
    expect(readFileSync(join(folder, 'junit.xml'), 'utf8')).toContain('<failure');
  });

  it('is for its owner only', async () => {
    await writeReport(report, folder, report);
    for (const file of ['report.md', 'report.html', 'report.json', 'junit.xml', 'manifest.json'])
      expect(statSync(join(folder, file)).mode & 0o077, file).toBe(0);
  });
});
