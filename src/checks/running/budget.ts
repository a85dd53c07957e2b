import { Undetermined } from '../../lifecycle/errors.ts';
import { abortable } from '../server/abortable.ts';

/** Milliseconds in which the server has to say that it ended its statement, and then to let go of its connections. */
const grace = 1_000;
const longestTimer = 2 ** 31 - 1;

/** The time that a run may take, kept on this side too: a server that is frozen ends no statement. */
export class Budget {
  /** Aborted when the run is, and when the time is used up and nothing is heard. */
  readonly signal: AbortSignal;
  readonly #milliseconds: number | undefined;
  readonly #started = performance.now();
  readonly #silent = new AbortController();
  readonly #stuck = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** `milliseconds`: undefined for as long as it takes */
  constructor(milliseconds: number | undefined, signal: AbortSignal) {
    this.#milliseconds = milliseconds;
    this.signal = milliseconds === undefined ? signal : AbortSignal.any([signal, this.#silent.signal]);
  }

  get isUsedUp(): boolean {
    return this.#milliseconds !== undefined && performance.now() - this.#started >= this.#milliseconds;
  }

  usedUp(): Undetermined {
    return new Undetermined(`the budget of ${(this.#milliseconds ?? 0) / 1_000} s was used up`, {
      hint: 'give it a larger --budget, or choose checks with --check',
    });
  }

  /** Does not wait for connections that do not even close. */
  async limit<T>(work: () => Promise<T>): Promise<T> {
    if (this.#milliseconds === undefined) return work();
    this.#timer = setTimeout(
      () => {
        this.#silent.abort(this.usedUp());
        this.#timer = setTimeout(() => this.#stuck.abort(this.usedUp()), grace);
      },
      Math.min(longestTimer, this.#milliseconds + grace),
    );
    try {
      return await abortable(work(), this.#stuck.signal);
    } finally {
      this.end();
    }
  }

  /** What follows is not limited. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
