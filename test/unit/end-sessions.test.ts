import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { endSessions } from '../../src/load/end-sessions.ts';
import type { LoadHttpAnswer } from '../../src/load/ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'examctl-end-sessions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One open session, and a platform that gives these answers one after the other. */
async function ended(...answers: Partial<LoadHttpAnswer>[]) {
  const ledgerFile = join(folder, 'ledger.ndjson');
  writeFileSync(ledgerFile, `${JSON.stringify({ kind: 'session', student: 1, sessionId: 's' })}\n`);
  const samples: number[] = [];
  const left = await endSessions({
    plan: { students: [{ number: 1, token: 't' }] } as never,
    ledgerFile,
    openHttp: () => ({
      request: async () => ({ status: 200, body: {}, retryAfterSeconds: null, ...answers.shift() }),
      close: async () => undefined,
    }),
    onSample: ({ status }) => samples.push(status),
    onFailure: () => undefined,
  });
  return { left, samples };
}

it('waits out a rate limit, as often as it is told to', async () => {
  const limited = { status: 429, retryAfterSeconds: 0.02 };
  expect(await ended(limited, limited)).toEqual({ left: 0, samples: [429, 429, 200] });
});

it('leaves a session that is refused, or would have to be waited for too long', async () => {
  expect(await ended({ status: 409 })).toEqual({ left: 1, samples: [409] });
  expect(await ended({ status: 429, retryAfterSeconds: 3_600 })).toEqual({ left: 1, samples: [429] });
});
