import { expiryOf } from '../../lifecycle/token-expiry.ts';
import { field } from '../ledger-lines.ts';
import type { StudentPlan } from '../load-plan.ts';

/** A token is exchanged so long before it expires: nothing may be on its way with it then. */
const marginMs = 30_000;

/** The tokens of one student. k6/lib/login.js does the same: change both. */
export class Login {
  token: string;
  #refreshToken: string | null;
  #expiresAt: number;

  constructor({ token, refreshToken, tokenExpiresAt }: StudentPlan) {
    this.token = token;
    this.#refreshToken = refreshToken;
    this.#expiresAt = (tokenExpiresAt ?? Number.POSITIVE_INFINITY) * 1000;
  }

  /** The request that exchanges it; undefined: it need not, or cannot, be exchanged. */
  renewal(isRefused: boolean): { readonly refresh_token: string } | undefined {
    if (this.#refreshToken === null) return undefined;
    if (!isRefused && Date.now() < this.#expiresAt - marginMs) return undefined;
    return { refresh_token: this.#refreshToken };
  }

  /** Whether the answer has a new one. */
  renew(answer: unknown): boolean {
    const tokens = field(answer, 'tokens');
    const [token, refreshToken] = [field(tokens, 'access_token'), field(tokens, 'refresh_token')];
    if (typeof token !== 'string') return false;
    this.token = token;
    this.#refreshToken = typeof refreshToken === 'string' ? refreshToken : null;
    this.#expiresAt = expiryOf(token)?.getTime() ?? Number.POSITIVE_INFINITY;
    return true;
  }
}
