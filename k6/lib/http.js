import exec from 'k6/execution';
import http from 'k6/http';
import { Counter } from 'k6/metrics';
import { renew, renewal } from './login.js';
import { pause } from './pause.js';
import { deadline, plan } from './plan.js';

/** The student cannot go on; the reason goes to the ledger. */
export class GaveUp extends Error {}

/**
 * Tries again what may succeed later, until the run's time is over. 429 is waited out in silence. `exchange.due` is when
 * it should be sent, milliseconds since 1970; `exchange.lost` cuts its connection; `comeBack` is called after that.
 */
export function send(student, exchange, { before, after, comeBack } = {}) {
  let isNew = renewToken(student, exchange.phase, false);
  for (let attempt = 1; ; attempt += 1) {
    const lost = attempt === 1 ? exchange.lost : undefined;
    before?.(attempt);
    const { at, response } = request(student, exchange, attempt === 1, lost);
    after?.({ at, attempt, response });
    if (lost !== undefined && response.status === 0) {
      pause(lost.awaySeconds);
      student.backSince = Date.now();
      comeBack();
      continue;
    }
    if (response.status === 401 && !isNew) {
      isNew = renewToken(student, exchange.phase, true);
      if (isNew) continue;
    }
    const wait = waitBeforeRetry(response, attempt);
    if (wait === null || Date.now() + wait * 1000 > deadline()) return response;
    pause(wait);
  }
}

function request(student, { endpoint, phase, due, path, body }, isFirst, lost) {
  const at = Date.now();
  const planned = isFirst && due !== undefined ? Math.max(due, student.backSince) : at;
  // as metadata, which makes no new time series; src/adapters/k6.ts makes the latency of them
  const { metadata } = exec.vu.metrics;
  metadata.due = String(planned);
  metadata.lag = String(Math.max(0, at - Math.max(planned, student.freeSince)));
  const params = {
    headers: { Authorization: `Bearer ${student.token}` },
    tags: { name: endpoint, phase: lost === undefined ? phase : 'lost' },
    timeout: lost === undefined ? `${plan.requestTimeoutSeconds}s` : `${lost.afterMs}ms`,
  };
  if (body !== undefined) params.headers['Content-Type'] = 'application/json';
  const text = body === undefined ? null : JSON.stringify(body);
  const method = endpoint === 'read-session' ? 'GET' : 'POST';
  const response = http.request(method, plan.baseUrl + path, text, params);
  student.freeSince = Date.now();
  if (!accepted(response) && lost === undefined) tell(endpoint, response);
  return { at, response };
}

const failures = new Counter('examctl_failures');
/** of this virtual user */
const told = new Set();

/** The first of each endpoint and status says what the platform said. */
function tell(name, { status, body, error, headers }) {
  const key = `${name} ${status}`;
  if (told.has(key)) return;
  told.add(key);
  const { metadata } = exec.vu.metrics;
  metadata.body = String(status === 0 ? error : (body ?? '')).slice(0, 2000);
  metadata.request_id = headers['X-Request-Id'] ?? '';
  failures.add(1, { name, status: String(status) });
  delete metadata.body;
  delete metadata.request_id;
}

/** Whether there is a new one. Only a token that is about to expire, or was refused, is exchanged. */
function renewToken(student, phase, isRefused) {
  const body = renewal(student, isRefused);
  if (body === undefined) return false;
  const path = plan.refreshPath;
  const { response } = request(student, { endpoint: 'refresh-token', phase, path, body }, false);
  if (accepted(response) && renew(student, bodyOf(response))) return true;
  if (response.status >= 400 && response.status < 500)
    throw new GaveUp(`token not refreshed (${response.status})`);
  return false;
}

/** Seconds, or null when trying again is no use. */
function waitBeforeRetry({ status, headers }, attempt) {
  if (status === 429) return (retryAfter(headers['Retry-After']) ?? 60) + Math.random();
  if (status === 0 || status >= 500)
    return Math.min(5, 0.5 * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2);
  return null;
}

function retryAfter(header) {
  if (header === undefined) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

export function accepted({ status }) {
  return status >= 200 && status < 300;
}

/** The parsed body, or an empty object when it is not JSON. */
export function bodyOf(response) {
  try {
    return response.json() ?? {};
  } catch {
    return {};
  }
}
