import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findK6, runK6 } from '../../src/adapters/k6.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import type { Sample } from '../../src/load/sample.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-fake-k6-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A tiny program in the place of k6: a foreign program is the one thing that may be faked. */
function fakeK6(script: string): string {
  const binary = join(folder, 'k6');
  writeFileSync(binary, `#!${process.execPath}\nconst fs = require('node:fs');\n${script}\n`);
  chmodSync(binary, 0o755);
  return binary;
}

const writesOneSample = `
const out = process.argv.find((flag) => flag.startsWith('--out=json=')).slice('--out=json='.length);
const ledger = process.argv.find((flag) => flag.startsWith('--console-output=')).slice('--console-output='.length);
const plan = JSON.parse(fs.readFileSync(process.env.EXAMCTL_LOAD_PLAN));
const point = { metric: 'http_req_duration', type: 'Point', data: { time: '2026-01-01T10:00:00Z', value: 5,
  tags: { name: 'answer', phase: 'measured', status: '200' } } };
fs.writeFileSync(out, JSON.stringify(point) + '\\n');
fs.writeFileSync(ledger, JSON.stringify({ plan, mode: fs.statSync(process.env.EXAMCTL_LOAD_PLAN).mode & 0o777 }));
const summary = () => fs.writeFileSync(process.env.EXAMCTL_LOAD_SUMMARY, JSON.stringify({ metrics: { http_reqs: { values: { count: 1 } } } }));
`;

function run(
  binary: string,
  {
    signal = new AbortController().signal,
    timeoutSeconds = 30,
    onSample = (_: Sample): void => undefined,
  } = {},
) {
  const samples: Sample[] = [];
  // Its own TMPDIR, so that what is left behind can be seen.
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  vi.stubEnv('TMPDIR', temporary);
  const ended = runK6(
    {
      binary,
      script: 'answers',
      plan: { baseUrl: 'http://127.0.0.1:1/token' },
      ledgerFile: join(folder, 'ledger'),
      signal,
      timeoutSeconds,
      onFailure: () => undefined,
      onSample: (sample) => {
        samples.push(sample);
        onSample(sample);
      },
    },
    { scriptsFolder: '/scripts', env: process.env },
  );
  return { ended, samples, temporary };
}

describe('finding k6', () => {
  test('a K6_BIN that cannot be executed is told by its name', async () => {
    expect(await findK6({ K6_BIN: '/no/such/k6', PATH: '/usr/bin' })).toMatchObject({
      missing: expect.stringContaining('/no/such/k6'),
      hint: expect.stringContaining('examctl load install-k6'),
    });
  });

  test('without a k6 anywhere, it says where it looked and what installs it', async () => {
    expect(await findK6({ PATH: folder, XDG_CACHE_HOME: folder })).toMatchObject({
      missing: expect.stringContaining('no k6 on the PATH'),
    });
  });

  test('the first on the PATH is taken, with its version', async () => {
    const binary = fakeK6('console.log("k6 v1.8.1 (go1.26)")');
    expect(await findK6({ PATH: folder })).toEqual({ binary, version: '1.8.1' });
  });

  test('a k6 that is too old is named with its version', async () => {
    fakeK6('console.log("k6 v0.40.0 (go1.18)")');
    expect(await findK6({ PATH: folder })).toMatchObject({ missing: expect.stringContaining('k6 0.40.0') });
  });
});

describe('running k6', () => {
  test('gives the samples and the total, and leaves no file with tokens', async () => {
    const { ended, samples, temporary } = run(fakeK6(`${writesOneSample} summary();`));
    expect(await ended).toMatchObject({ thresholdsCrossed: false, requests: 1, aborted: false });
    expect(samples).toHaveLength(1);
    expect(JSON.parse(readFileSync(join(folder, 'ledger'), 'utf8'))).toEqual({
      plan: { baseUrl: 'http://127.0.0.1:1/token' },
      mode: 0o600,
    });
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('exit code 99 is a crossed threshold and not an error', async () => {
    const { ended } = run(fakeK6(`${writesOneSample} summary(); process.exit(99);`));
    expect(await ended).toMatchObject({ thresholdsCrossed: true, requests: 1, aborted: false });
  });

  test('a script that breaks is an error with the last lines of k6', async () => {
    const { ended, temporary } = run(fakeK6(`console.error('GoError: no such file'); process.exit(107);`));
    await expect(ended).rejects.toThrow(Undetermined);
    await expect(ended).rejects.toThrow('GoError: no such file');
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('a k6 that does not heed SIGINT is killed, and what it measured is kept', async () => {
    const ready = join(folder, 'ready');
    const abort = new AbortController();
    const hangs = `${writesOneSample} process.on('SIGINT', () => {}); fs.writeFileSync(${JSON.stringify(ready)}, ''); setInterval(() => {}, 1000);`;
    const { ended, samples } = run(fakeK6(hangs), { signal: abort.signal });
    while (!existsSync(ready)) await new Promise((resolve) => setTimeout(resolve, 20));
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    abort.abort();
    vi.advanceTimersByTime(4_000);
    vi.useRealTimers();
    expect(await ended).toMatchObject({ thresholdsCrossed: false, requests: null, aborted: true });
    expect(samples).toHaveLength(1);
  });

  test('a sample that cannot be kept ends k6, and is told', async () => {
    const goesOn = `${writesOneSample} setInterval(() => {}, 1000); process.on('SIGINT', () => process.exit(105));`;
    const onSample = () => {
      throw new Undetermined('cannot write samples.ndjson: ENOSPC');
    };
    await expect(run(fakeK6(goesOn), { onSample }).ended).rejects.toThrow('ENOSPC');
  });

  test('a k6 that does not come to its end is ended', async () => {
    const { ended } = run(fakeK6(`${writesOneSample} setInterval(() => {}, 1000);`), { timeoutSeconds: 1 });
    expect(await ended).toMatchObject({ aborted: true });
  });

  test('a signal that was aborted before starts nothing', async () => {
    const { ended, samples } = run(fakeK6(writesOneSample), { signal: AbortSignal.abort() });
    expect(await ended).toMatchObject({ aborted: true, requests: null });
    expect(samples).toEqual([]);
  });
});
