import { said } from '../lifecycle/redact.ts';
import { field } from './ledger-lines.ts';

/** What the platform said when it did not accept a request. */
export interface Failure {
  readonly endpoint: string;
  /** 0: no answer */
  readonly status: number;
  /** its body in a line, without secrets */
  readonly said: string;
  /** by which its log tells more; null: it gave none */
  readonly requestId: string | null;
}

export function failureOf(
  endpoint: string,
  {
    status,
    body,
    requestId,
  }: { readonly status: number; readonly body: unknown; readonly requestId?: string | null | undefined },
): Failure {
  const id = requestId ?? field(body, 'request_id') ?? field(field(body, 'error'), 'request_id');
  const text =
    body === undefined || body === '' ? (status === 0 ? 'no answer' : 'an empty body') : said(body);
  return { endpoint, status, said: text, requestId: typeof id === 'string' && id !== '' ? said(id) : null };
}

/** All failures of one endpoint with one status, with what was said first. */
export interface Cause {
  readonly endpoint: string;
  readonly status: number;
  readonly times: number;
  /** null: none of them was looked at */
  readonly first: Pick<Failure, 'said' | 'requestId'> | null;
}

/** "296 x read-session 500, the first: {...} (request id 7f...)" */
export function causeText({ endpoint, status, times, first }: Cause): string {
  const what = `${times} x ${endpoint} ${status === 0 ? 'without an answer' : status}`;
  if (first === null) return what;
  const id = first.requestId === null ? '' : ` (request id ${first.requestId})`;
  return `${what}, the first: ${first.said}${id}`;
}
