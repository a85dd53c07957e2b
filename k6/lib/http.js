import http from 'k6/http';
import { pause } from './pause.js';
import { deadline, plan } from './plan.js';

/** Tries again what may succeed later, until the run's time is over. 429 is waited out in silence. */
export function send(student, { endpoint, phase, method, path, body }, before, after) {
  const params = {
    headers: { Authorization: `Bearer ${student.token}` },
    tags: { name: endpoint, phase },
    timeout: `${plan.requestTimeoutSeconds}s`,
  };
  if (body !== undefined) params.headers['Content-Type'] = 'application/json';
  for (let attempt = 1; ; attempt += 1) {
    before?.(attempt);
    const at = Date.now();
    const response = http.request(
      method,
      plan.baseUrl + path,
      body === undefined ? null : JSON.stringify(body),
      params,
    );
    after?.({ at, attempt, response });
    const wait = waitBeforeRetry(response, attempt);
    if (wait === null || Date.now() + wait * 1000 > deadline()) return response;
    pause(wait);
  }
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
