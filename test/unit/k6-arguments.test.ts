import { expect, test } from 'vitest';
import {
  isSupported,
  k6Arguments,
  k6Candidates,
  k6Environment,
  parseK6Version,
} from '../../src/adapters/k6.ts';
import { parseK6Point } from '../../src/adapters/k6-samples.ts';

test('k6 sends nothing home, opens no port, and writes the ledger itself', () => {
  expect(
    k6Arguments({ script: '/k6/answers.js', ledger: '/run/ledger', samples: '/tmp/s', config: '/tmp/c' }),
  ).toEqual([
    'run',
    '--no-usage-report',
    '--no-color',
    '--address=',
    '--config=/tmp/c',
    '--log-format=raw',
    '--console-output=/run/ledger',
    '--out=json=/tmp/s',
    '/k6/answers.js',
  ]);
});

test('k6 gets the way through proxy and certificates, but no secret, and nothing that would replace the scenario', () => {
  const inherited = {
    K6_VUS: '1',
    HOME: '/h',
    STAGING_DATABASE_URL: 'postgres://',
    AWS_SECRET_ACCESS_KEY: 'x',
    HTTPS_PROXY: 'http://proxy:3128',
    SSL_CERT_FILE: '/ca.pem',
  };
  const way = { proxy: 'http://chosen:3128', certificates: '/all.pem' };
  const env = k6Environment(inherited, { plan: '/p', summary: '/s' }, way);
  expect(env).toEqual({
    HOME: '/h',
    HTTP_PROXY: 'http://chosen:3128',
    HTTPS_PROXY: 'http://chosen:3128',
    SSL_CERT_FILE: '/all.pem',
    K6_NO_USAGE_REPORT: 'true',
    EXAMCTL_LOAD_PLAN: '/p',
    EXAMCTL_LOAD_SUMMARY: '/s',
  });
});

test('K6_BIN is the only candidate when it is set; else the PATH, then the cache', () => {
  expect(k6Candidates({ K6_BIN: '/opt/k6', PATH: '/usr/bin' })).toEqual(['/opt/k6']);
  expect(k6Candidates({ PATH: '/a:/b', XDG_CACHE_HOME: '/c' })).toEqual([
    '/a/k6',
    '/b/k6',
    '/c/examctl/bin/k6',
  ]);
});

test.each([
  ['k6 v1.8.1 (go1.26.8, linux/amd64)', '1.8.1'],
  ['k6 v0.57.0 (commit/x, go1.23)', '0.57.0'],
  ['k6.exe v1.2.3', '1.2.3'],
  ['something else 1.2.3', undefined],
])('the version in "%s" is %s', (text, version) => {
  expect(parseK6Version(text)).toBe(version);
});

test.each([
  ['0.59.0', false],
  ['1.8.1', true],
  ['2.2.0', true],
  ['3.0.0', false],
])('k6 %s is supported: %s', (version, supported) => {
  expect(isSupported(version)).toBe(supported);
});

test('a request is one point of http_req_duration, dated back to when it was sent', () => {
  const line = JSON.stringify({
    metric: 'http_req_duration',
    type: 'Point',
    data: {
      time: '2026-01-01T10:00:00.250Z',
      value: 50,
      tags: { name: 'answer', phase: 'measured', status: '503', error_code: '1503' },
    },
  });
  expect(parseK6Point(line)).toEqual({
    at: Date.parse('2026-01-01T10:00:00.200Z'),
    ms: 50,
    lag: 0,
    endpoint: 'answer',
    phase: 'measured',
    status: 503,
  });
});

test('a request takes from when it was due until its answer, and is late by what k6 was late', () => {
  const line = JSON.stringify({
    metric: 'http_req_duration',
    type: 'Point',
    data: {
      time: '2026-01-01T10:00:00.250400Z',
      value: 50,
      tags: { name: 'answer', phase: 'measured', status: '200' },
      metadata: { due: String(Date.parse('2026-01-01T10:00:00.100Z')), lag: '3' },
    },
  });
  expect(parseK6Point(line)).toMatchObject({ ms: 150.4, lag: 3, status: 200 });
});

test.each([
  ['dial tcp 127.0.0.1:80: connect: cannot assign requested address', true],
  ['socket: too many open files', true],
  ['dial: connection refused', undefined],
])('what k6 could not send for want of a socket is told apart: %s', (error, unsent) => {
  const tags = { name: 'answer', phase: 'measured', status: '0', error };
  const data = { time: '2026-01-01T10:00:00Z', value: 0, tags };
  const sample = parseK6Point(JSON.stringify({ metric: 'http_req_duration', type: 'Point', data }));
  expect(sample?.unsent).toBe(unsent);
});

test.each([
  '{"metric":"http_reqs","type":"Point","data":{"value":1,"tags":{}}}',
  '{"type":"Metric","data":{"name":"http_req_duration"},"metric":"http_req_duration"}',
  '',
])('other lines of k6 are passed over: %s', (line) => {
  expect(parseK6Point(line)).toBeUndefined();
});
