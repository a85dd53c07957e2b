import { parsedOrText } from './parsed-or-text.ts';

/** Virtual users that are at work, of the line that k6 writes each second. */
export function parseK6Vus(line: string): number | undefined {
  if (!line.startsWith('{"metric":"vus","type":"Point"')) return undefined;
  return (JSON.parse(line) as { data: { value: number } }).data.value;
}

/** Date.parse() drops what is finer than a millisecond. */
function millisecondShareOf(time: string): number {
  const digits = /\.\d{3}(\d+)/.exec(time)?.[1];
  return digits === undefined ? 0 : Number(`0.${digits}`);
}

/** Of this machine, as Go says it. */
const noSocket = /too many open files|cannot assign requested address|no buffer space/;

export interface K6Sample {
  readonly at: number;
  readonly ms: number;
  readonly endpoint: string;
  readonly phase: 'setup' | 'measured' | 'lost' | 'teardown';
  readonly lag: number;
  readonly unsent?: true;
  readonly status: number;
}

/** One line of `--out json`; each request is one point of http_req_duration, all other lines are passed over. */
export function parseK6Point(line: string): K6Sample | undefined {
  if (!line.startsWith('{"metric":"http_req_duration","type":"Point"')) return undefined;
  const { data } = JSON.parse(line) as {
    data: {
      time: string;
      value: number;
      tags: Record<string, string>;
      metadata?: { due?: string; lag?: string };
    };
  };
  const { name = '', phase, status = '0', error = '' } = data.tags;
  if (phase !== 'setup' && phase !== 'measured' && phase !== 'lost' && phase !== 'teardown') return undefined;
  // A point bears the time at which the request ended; http_req_duration leaves out the waiting for a connection.
  const ended = Date.parse(data.time) + millisecondShareOf(data.time);
  const { due = '', lag = '0' } = data.metadata ?? {};
  const ms = Math.max(data.value, due === '' ? 0 : ended - Number(due));
  const at = Math.round(ended - data.value);
  return {
    at,
    ms: Math.round(ms * 1000) / 1000,
    lag: Number(lag),
    endpoint: name,
    phase,
    status: Number(status),
    ...(noSocket.test(error) && { unsent: true }),
  };
}

export interface K6Failure {
  readonly endpoint: string;
  readonly status: number;
  readonly body: unknown;
  readonly requestId: string | null;
}

/** What k6/lib/http.js tells of a request that was not accepted. */
export function parseK6Failure(line: string): K6Failure | undefined {
  if (!line.startsWith('{"metric":"examctl_failures","type":"Point"')) return undefined;
  const { tags, metadata } = (
    JSON.parse(line) as {
      data: { tags: Record<string, string>; metadata?: { body?: string; request_id?: string } };
    }
  ).data;
  const { body = '', request_id = '' } = metadata ?? {};
  return {
    endpoint: tags.name ?? '',
    status: Number(tags.status ?? '0'),
    body: parsedOrText(body),
    requestId: request_id === '' ? null : request_id,
  };
}
