import { describe, expect, it } from 'vitest';
import { type AuditEntry, chain } from '../../../src/lifecycle/audit.ts';
import { verifyAnchors } from '../../../src/lifecycle/audit-anchor.ts';

const at = '2026-11-22T10:00:00.000Z';

function logOf(...results: readonly string[]): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (const result of results) {
    const content = { at, actor: 'ada', host: 'here', environment: 'test', action: 'switch', run: null };
    entries.push(chain({ ...content, reason: null, breakGlass: false, result, details: {} }, entries.at(-1)));
  }
  return entries;
}

const log = logOf('started', 'done', 'started', 'done');
const anchors = log.slice(0, 3).map(({ sequence, hash }) => ({ sequence, hash, at }));

describe('the audit log, held against what the database has noted', () => {
  it('is the one, and what came since is said to have no note there', () => {
    expect(verifyAnchors(log, anchors)).toMatchObject({
      outcome: 'pass',
      message: expect.stringMatching(/^up to entry 3.*; 1 entries since/),
    });
  });

  it.each([
    ['was cut, with its head', log.slice(0, 2)],
    [
      'was written anew, with a chain and a head that hold',
      logOf('started', 'all is well', 'started', 'done'),
    ],
    ['is gone', []],
  ])('fails when it %s', (_, entries) => {
    expect(verifyAnchors(entries, anchors)).toMatchObject({ outcome: 'fail' });
  });

  it('is not proven where nothing was noted', () => {
    expect(verifyAnchors(log, [])).toMatchObject({ outcome: 'skipped' });
  });
});
