import { messageOf } from '../../lifecycle/errors.ts';
import type { Queryable } from './database.ts';

export type FlagKey = 'EXAM_MODE' | 'FREEZE_UPDATES';

export interface Flag {
  readonly enabled: boolean;
  readonly updatedAt: Date | null;
  readonly updatedBy: { readonly id: string; readonly email: string } | null;
  readonly reason: string | null;
  readonly source: 'db' | 'default';
}

interface FlagRow {
  value: boolean;
  updated_at: Date;
  updated_by: string | null;
  email: string | null;
  reason: string | null;
}

/** SYSTEM_FLAGS_CACHE_TTL_SECONDS of the platform */
const cacheMs = 10_000;
const notSet: Flag = { enabled: false, updatedAt: null, updatedBy: null, reason: null, source: 'default' };

/**
 * system_flags as this worker knows them. A value is up to 10 s old; the last one is kept when the row is gone or the
 * database does not answer, and a worker that never read one takes it as off.
 */
export class Flags {
  readonly #known = new Map<FlagKey, { flag: Flag; until: number }>();
  readonly #reading = new Map<FlagKey, Promise<Flag>>();
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  async isOn(key: FlagKey): Promise<boolean> {
    return (await this.get(key)).enabled;
  }

  async get(key: FlagKey): Promise<Flag> {
    const known = this.#known.get(key);
    if (known !== undefined && known.until > Date.now()) return known.flag;
    let reading = this.#reading.get(key);
    if (reading === undefined) {
      reading = this.#read(key).finally(() => this.#reading.delete(key));
      this.#reading.set(key, reading);
    }
    return reading;
  }

  /** The worker that served a toggle knows it at once. */
  async refresh(key: FlagKey): Promise<Flag> {
    const known = this.#known.get(key);
    if (known !== undefined) this.#known.set(key, { ...known, until: 0 });
    await this.#reading.get(key);
    return this.#read(key);
  }

  async #read(key: FlagKey): Promise<Flag> {
    const last = this.#known.get(key)?.flag;
    try {
      const [row] = await this.#database.query<FlagRow>(
        `SELECT flag.value, flag.updated_at, flag.updated_by, users.email, flag.reason
           FROM system_flags flag LEFT JOIN users ON users.id = flag.updated_by
          WHERE flag.key = $1`,
        [key],
      );
      const flag = row === undefined ? (last ?? notSet) : flagOf(row);
      this.#known.set(key, { flag, until: Date.now() + cacheMs });
      return flag;
    } catch (error) {
      process.stderr.write(`system flag ${key} cannot be read: ${messageOf(error)}\n`);
      return last ?? notSet;
    }
  }
}

function flagOf({ value, updated_at, updated_by, email, reason }: FlagRow): Flag {
  const updatedBy = updated_by === null || email === null ? null : { id: updated_by, email };
  return { enabled: value, updatedAt: updated_at, updatedBy, reason, source: 'db' };
}
