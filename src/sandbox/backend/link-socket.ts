import { Socket } from 'node:net';
import type { Link } from './link.ts';
import { Passage } from './passage.ts';

type Done = (error?: Error | null) => void;

/** A connection over a link: what disturbs the link disturbs it, also when it has been open for long. */
export class LinkSocket extends Socket {
  readonly #link: Link;
  readonly #outgoing: Passage;
  readonly #incoming: Passage;

  constructor(link: Link) {
    super();
    this.#link = link;
    this.#outgoing = new Passage(link);
    this.#incoming = new Passage(link);
  }

  override connect(...args: unknown[]): this {
    const connect = () => Reflect.apply(super.connect, this, args) as this;
    const latency = this.#link.latency();
    if (latency === 0 && this.#isFree()) return connect();
    // whoever asks must not take it for one that is connected
    Object.assign(this, { connecting: true });
    this.#outgoing.add(latency, connect);
    return this;
  }

  override _write(chunk: unknown, encoding: BufferEncoding, callback: Done): void {
    this.#send((done) => super._write(chunk, encoding, done), callback);
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: Done): void {
    this.#send((done) => super._writev?.(chunks, done), callback);
  }

  override _final(callback: Done): void {
    if (this.#outgoing.isEmpty) super._final(callback);
    else this.#outgoing.add(0, () => super._final(callback));
  }

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (this.#incoming.isEmpty && !this.#link.isCut()) return super.push(chunk, encoding);
    this.#incoming.add(0, () => super.push(chunk, encoding));
    return true;
  }

  override _destroy(error: Error | null, callback: Done): void {
    this.#outgoing.close();
    this.#incoming.close();
    super._destroy(error, callback);
  }

  /** What is sent later counts as sent at once: the next must not wait for it, but only arrive after it. */
  #send(write: (done: Done) => void, callback: Done): void {
    const latency = this.#link.latency();
    if (latency === 0 && this.#isFree()) {
      write(callback);
      return;
    }
    this.#outgoing.add(latency, () => write((error) => error && this.destroy(error)));
    callback();
  }

  #isFree(): boolean {
    return this.#outgoing.isEmpty && !this.#link.isCut();
  }
}
