import { withhold } from '../lifecycle/redact.ts';

interface SecretOptions {
  /** called at each reveal, so that a rotated file or a changed variable is seen */
  readonly resolve: () => string;
  /** what may be shown: the written text with each reference replaced by *** */
  readonly masked?: string;
  /** "${env:AUTH_TOKEN}": where the value comes from */
  readonly references?: readonly string[];
}

/** A value that prints as *** wherever it is put. Only `reveal` gives it, and only there it is looked up. */
export class Secret {
  readonly #resolve: () => string;
  readonly #masked: string;
  readonly #references: readonly string[];

  constructor({ resolve, masked = '***', references = [] }: SecretOptions) {
    this.#resolve = resolve;
    this.#masked = masked;
    this.#references = references;
  }

  static of(value: string): Secret {
    return new Secret({ resolve: () => value });
  }

  /** Throws ConfigError when the variable or file that it refers to is not there. */
  reveal(): string {
    const value = this.#resolve();
    withhold(value);
    return value;
  }

  get masked(): string {
    return this.#masked;
  }

  get references(): readonly string[] {
    return this.#references;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '***';
  }
}
