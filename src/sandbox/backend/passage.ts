import type { Link } from './link.ts';

/** When a cut is over, or a delay is taken back, what waits goes on after at most so many milliseconds. */
const lookMs = 50;

/** One direction of a connection: what goes in comes out in order, nothing before its time, and nothing during a cut. */
export class Passage {
  readonly #link: Link;
  readonly #waiting: { readonly dueAt: number; readonly deliver: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(latency: number, deliver: () => void): void {
    this.#waiting.push({ dueAt: performance.now() + latency, deliver });
    if (this.#waiting.length === 1) this.#look();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #look(): void {
    while (!this.#link.isCut()) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      if (first.dueAt > performance.now()) break;
      first.deliver();
      this.#waiting.shift();
    }
    const wait = (this.#waiting[0]?.dueAt ?? 0) - performance.now();
    this.#timer = setTimeout(() => this.#look(), Math.max(1, this.#link.isCut() ? lookMs : wait));
  }
}
