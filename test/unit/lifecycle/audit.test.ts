import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountInUse } from '../../../src/adapters/account.ts';
import { AuditLog } from '../../../src/adapters/audit-log.ts';
import { type AuditContent, isAfterLostHead } from '../../../src/lifecycle/audit.ts';
import { verifyChain } from '../../../src/lifecycle/verify-chain.ts';

let folder: string;
let log: AuditLog;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-audit-'));
  log = new AuditLog(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

const content = (action: string): AuditContent => ({
  at: '2026-11-22T10:00:00.000Z',
  actor: 'ada',
  host: 'here',
  environment: 'test',
  action,
  run: null,
  reason: null,
  breakGlass: false,
  result: 'done',
  details: {},
});
const check = () => verifyChain(log.read(), log.head());

describe('the audit log', () => {
  it('chains each entry to the one before', async () => {
    for (const action of ['one', 'two', 'three']) await log.append(content(action));
    expect(check()).toMatchObject({ outcome: 'pass' });
    expect(log.read().map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('has the account of the system beside the name that somebody gave', async () => {
    await log.append({ ...content('one'), actor: 'whoever' });
    expect(log.read()).toMatchObject([{ actor: 'whoever', account: accountInUse() }]);
    expect(accountInUse({ SUDO_USER: 'ada' })).toMatch(
      process.geteuid?.() === 0 ? /by sudo from ada$/ : /^(?!.*sudo)/,
    );
  });

  it('keeps its chain when several writers append at once', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => new AuditLog(folder).append(content(`${index}`))),
    );
    expect(log.read()).toHaveLength(20);
    expect(check()).toMatchObject({ outcome: 'pass' });
  });

  it('shows a changed entry', async () => {
    for (const action of ['one', 'two', 'three']) await log.append(content(action));
    writeFileSync(log.file, readFileSync(log.file, 'utf8').replace('"two"', '"tea"'));
    expect(check()).toMatchObject({ outcome: 'fail', message: expect.stringContaining('entry 2') });
  });

  it('shows a removed entry', async () => {
    for (const action of ['one', 'two', 'three']) await log.append(content(action));
    const lines = readFileSync(log.file, 'utf8').split('\n');
    writeFileSync(log.file, [lines[0], lines[2], ''].join('\n'));
    expect(check()).toMatchObject({
      outcome: 'fail',
      message: expect.stringContaining('entry 2 is missing'),
    });
  });

  it('shows a log that was cut at its end', async () => {
    for (const action of ['one', 'two', 'three']) await log.append(content(action));
    const lines = readFileSync(log.file, 'utf8').split('\n');
    writeFileSync(log.file, `${lines.slice(0, 2).join('\n')}\n`);
    expect(check()).toMatchObject({ outcome: 'fail', message: expect.stringContaining('cut') });
  });

  it('goes on after a line that a crash has cut off, which is then named', async () => {
    await log.append(content('one'));
    appendFileSync(log.file, '{"sequence":2,"act');
    await log.append(content('two'));
    expect(log.read().map(({ action }) => action)).toEqual(['one', 'two']);
    const outcome = verifyChain(log.read(), log.head(), log.broken());
    expect(outcome).toMatchObject({ outcome: 'warn', message: expect.stringContaining('line 2') });
  });

  it('still shows that it was cut after later entries were added', async () => {
    for (const action of ['one', 'two', 'three']) await log.append(content(action));
    writeFileSync(log.file, `${readFileSync(log.file, 'utf8').split('\n')[0]}\n`);
    await log.append(content('four'));
    await log.append(content('five'));
    expect(check()).toMatchObject({ outcome: 'fail' });
  });

  it('is not believed to be complete without the note of its last entry', async () => {
    for (const action of ['one', 'two']) await log.append(content(action));
    rmSync(join(folder, 'audit.head'));
    expect(check()).toMatchObject({ outcome: 'fail', message: expect.stringContaining('is gone') });
  });

  it('is not healed by the next entry when its end and the note of it were removed', async () => {
    for (const action of ['one', 'two', 'three']) await log.append(content(action));
    writeFileSync(log.file, readFileSync(log.file, 'utf8').replace(/.*\n$/, ''));
    rmSync(join(folder, 'audit.head'));
    expect(isAfterLostHead(await log.append(content('four')))).toBe(true);
    await log.append(content('five'));
    expect(check()).toMatchObject({
      outcome: 'fail',
      message: expect.stringContaining('when entry 3 was written'),
    });
  });

  it('is whole after a crash between the very first entry and the note of it', async () => {
    await log.append(content('one'));
    rmSync(join(folder, 'audit.head'));
    await log.append(content('two'));
    expect(check()).toMatchObject({ outcome: 'pass' });
  });

  it('is whole after a crash between the entry and the note of it', async () => {
    await log.append(content('one'));
    const head = readFileSync(join(folder, 'audit.head'));
    await log.append(content('two'));
    writeFileSync(join(folder, 'audit.head'), head);
    expect(check()).toMatchObject({ outcome: 'pass' });
    await log.append(content('three'));
    expect(check()).toMatchObject({ outcome: 'pass' });
  });
});

describe('an entry that holds a secret', () => {
  const by = { at: '2026-11-22T11:00:00.000Z', actor: 'ada', host: 'here', reason: 'a token got in' };
  const secret = 'hunter2-and-more';

  beforeEach(async () => {
    for (const action of ['one', 'two', 'three'])
      await log.append({
        ...content(action),
        reason: `${action} ${secret}`,
        result: secret,
        details: { secret },
      });
  });

  it('loses it, and the chain still holds, also after further entries', async () => {
    const { entry, record } = await log.redact(2, by);
    expect(JSON.stringify([entry, record])).not.toContain(secret);
    expect(readFileSync(log.file, 'utf8').split('\n')[1]).not.toContain(secret);
    await log.append(content('four'));
    expect(check()).toMatchObject({
      outcome: 'warn',
      message: expect.stringContaining('redacted, as later entries say: 2'),
    });
    expect(log.read().at(3)).toMatchObject({
      action: 'audit redact',
      reason: 'a token got in',
      actor: 'ada',
    });
    expect(log.read().at(1)).toMatchObject({
      sequence: 2,
      action: 'two',
      reason: '[redacted]',
      redacted: true,
    });
  });

  it('cannot be changed once more afterwards', async () => {
    await log.redact(2, by);
    writeFileSync(log.file, readFileSync(log.file, 'utf8').replace('"two"', '"tea"'));
    expect(check()).toMatchObject({ outcome: 'fail', message: expect.stringContaining('entry 2') });
  });

  it('is not believed to be redacted when no entry says so', async () => {
    const lines = readFileSync(log.file, 'utf8').split('\n');
    const [, second = ''] = lines;
    writeFileSync(
      log.file,
      lines
        .with(1, JSON.stringify({ ...JSON.parse(second), reason: '[redacted]', redacted: true }))
        .join('\n'),
    );
    expect(check()).toMatchObject({ outcome: 'fail', message: expect.stringContaining('entry 2') });
  });

  it('can be the record of a redaction itself, and redacted again', async () => {
    const { record } = await log.redact(2, { ...by, reason: secret });
    await log.redact(record.sequence, by);
    await log.redact(2, by);
    expect(check()).toMatchObject({ outcome: 'warn', message: expect.stringContaining('2, 4') });
  });

  it('has to be there', async () => {
    await expect(log.redact(9, by)).rejects.toThrow('there is no entry 9');
  });
});
