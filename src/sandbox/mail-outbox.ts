import { request } from 'node:http';
import type pg from 'pg';
import { messageOf } from '../lifecycle/errors.ts';

/** of the platform */
const attemptsCap = 5;
const patienceMs = 2_000;
const retryMs = 2_000;

interface Mail {
  readonly id: string;
  readonly to_email: string;
}

/** What the vendor said, when that is not yes. */
interface Refusal {
  readonly reason: string;
  readonly retryAfterMs: number;
}

/**
 * Hands the queued mails to the vendor, one after the other. After a refusal the vendor is asked whether it is well
 * before the next mail is tried, so that an outage costs one mail one of its attempts, and not each of them all.
 */
export class MailOutbox {
  readonly #pool: pg.Pool;
  readonly #vendorUrl: string;
  readonly #stopping = new AbortController();
  #vendorIsWell = true;
  #notBefore = 0;

  constructor(pool: pg.Pool, vendorUrl: string) {
    this.#pool = pool;
    this.#vendorUrl = vendorUrl;
  }

  /** Resolves when the outbox is empty, or the vendor refuses. */
  async drain(): Promise<void> {
    if (performance.now() < this.#notBefore || !(await this.#hasWork())) return;
    if (!this.#vendorIsWell && !(await this.#ask())) return;
    while (!this.#stopping.signal.aborted) {
      const mail = await this.#claim();
      if (mail === undefined || !(await this.#deliver(mail))) return;
    }
  }

  /** What is under way becomes queued again. */
  stop(): void {
    this.#stopping.abort();
  }

  async #deliver({ id, to_email: to }: Mail): Promise<boolean> {
    const refusal = await this.#send('POST', '/mails', { id, to });
    this.#note(refusal);
    if (refusal === undefined) await this.#pool.query(markSent, [id]);
    else await this.#pool.query(queueAgain, [id, refusal.reason, attemptsCap]);
    return refusal === undefined;
  }

  async #ask(): Promise<boolean> {
    const refusal = await this.#send('GET', '/health');
    this.#note(refusal);
    return refusal === undefined;
  }

  #note(refusal: Refusal | undefined): void {
    this.#vendorIsWell = refusal === undefined;
    if (refusal !== undefined) this.#notBefore = performance.now() + refusal.retryAfterMs;
  }

  async #hasWork(): Promise<boolean> {
    const { rowCount } = await this.#pool.query(anyToDeliver);
    return rowCount === 1;
  }

  async #claim(): Promise<Mail | undefined> {
    return (await this.#pool.query<Mail>(claimOldest)).rows[0];
  }

  #send(method: 'GET' | 'POST', path: string, body?: object): Promise<Refusal | undefined> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(patienceMs)]);
    return new Promise((resolve) => {
      const sent = request(`${this.#vendorUrl}${path}`, { method, signal, agent: false }, (response) => {
        response.resume();
        const { statusCode = 0, headers } = response;
        if (statusCode < 300) return resolve(undefined);
        const seconds = Number(headers['retry-after'] ?? Number.NaN);
        const retryAfterMs = seconds > 0 ? seconds * 1_000 : retryMs;
        resolve({ reason: `the mail vendor answered ${statusCode}`, retryAfterMs });
      });
      sent.once('error', (error) => {
        const reason = signal.aborted ? `no answer in ${patienceMs} ms` : messageOf(error);
        resolve({ reason: `the mail vendor did not answer: ${reason}`, retryAfterMs: retryMs });
      });
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/** In exam mode the platform drains no outbox. */
const anyToDeliver = `
  SELECT 1 FROM email_outbox
   WHERE status = 'queued' AND NOT EXISTS (SELECT 1 FROM system_flags WHERE key = 'EXAM_MODE' AND value)
   LIMIT 1`;

/** One that is left in `sending` is never tried again, as on the platform: whether it was sent is not known. */
const claimOldest = `
  UPDATE email_outbox SET status = 'sending', attempts = attempts + 1, updated_at = now()
   WHERE id = (SELECT id FROM email_outbox WHERE status = 'queued' ORDER BY created_at, id
                LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING id, to_email`;

const markSent =
  "UPDATE email_outbox SET status = 'sent', last_error = NULL, updated_at = now() WHERE id = $1";

const queueAgain = `
  UPDATE email_outbox
     SET status = CASE WHEN attempts >= $3 THEN 'failed' ELSE 'queued' END, last_error = $2, updated_at = now()
   WHERE id = $1`;
