import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readText } from '../adapters/files.ts';
import type { Disturbance } from '../lifecycle/disturbance.ts';
import { messageOf } from '../lifecycle/errors.ts';
import type { WatchedDisturbances } from './disturbances.ts';

/** One line of JSON for each mail that the vendor has taken: {id, to, at}. */
export const deliveredMailFile = 'delivered-mail.ndjson';

const retryAfterSeconds = 2;

export interface MailVendor {
  readonly url: string;
  close(): void;
}

/**
 * Stands for the mail vendor of the platform: takes each mail once, however often it is sent. A disturbance makes it
 * answer 429, 500 or not at all.
 */
export async function startMailVendor(
  folder: string,
  disturbances: Pick<WatchedDisturbances, 'value'>,
): Promise<MailVendor> {
  const mailbox = new Mailbox(join(folder, deliveredMailFile));
  const server = createServer((request, response) => {
    answer(request, response, { mode: vendorMode(disturbances.value()), mailbox }).catch((error) => {
      process.stderr.write(`mail vendor: ${messageOf(error)}\n`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => closeNow(server) };
}

type VendorMode = Extract<Disturbance, { kind: 'vendor' }>['answer'] | undefined;

function vendorMode(disturbances: readonly Disturbance[]): VendorMode {
  return disturbances.find((one) => one.kind === 'vendor')?.answer;
}

/** GET /health, POST /mails {id, to}. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { mode, mailbox }: { mode: VendorMode; mailbox: Mailbox },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (mode === 'timeout') return;
  if (mode === '429') response.setHeader('Retry-After', retryAfterSeconds);
  if (mode !== undefined) return void response.writeHead(Number(mode)).end();
  if (request.method === 'POST')
    mailbox.take(JSON.parse(Buffer.concat(chunks).toString('utf8')) as { id: string; to: string });
  response.writeHead(request.method === 'POST' ? 202 : 200).end();
}

class Mailbox {
  readonly #file: string;
  readonly #taken: Set<string>;

  constructor(file: string) {
    this.#file = file;
    const lines = (readText(file) ?? '').split('\n').filter((line) => line !== '');
    this.#taken = new Set(lines.map((line) => (JSON.parse(line) as { id: string }).id));
  }

  take({ id, to }: { id: string; to: string }): void {
    if (this.#taken.has(id)) return;
    appendFileSync(this.#file, `${JSON.stringify({ id, to, at: new Date().toISOString() })}\n`, {
      mode: 0o600,
    });
    this.#taken.add(id);
  }
}

function closeNow(server: Server): void {
  server.close();
  server.closeAllConnections();
}
