import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { readJson, writeJson } from '../adapters/files.ts';
import { messageOf } from '../lifecycle/errors.ts';
import { type ActiveDefects, watchDefects } from './backend/active-defects.ts';
import { openPool } from './backend/database.ts';
import { runUntilAskedToStop } from './backend/lifetime.ts';
import { linkBetween } from './backend/link.ts';
import { readPartArguments } from './backend/part-arguments.ts';
import { watchDisturbances } from './disturbances.ts';
import { type JobKey, jobKeys } from './job-keys.ts';
import { MailOutbox } from './mail-outbox.ts';
import { type MailVendor, startMailVendor } from './mail-vendor.ts';

/** the one that the defect unstoppable-job keeps running */
const unstoppable: JobKey = 'revision_queue_regen';
const everyMs = 2_000;
const workMs = 200;
const leaseMinutes = 120;
const lockedBy = `${hostname()}-127.0.0.1`.slice(-100);

type JobStates = Record<JobKey, { running: boolean; lastRun: string | null }>;

/** What cron of the host starts on the platform; ends with its process. */
export async function runJobs(args: string[]): Promise<void> {
  const { config } = readPartArguments(args);
  const disturbances = watchDisturbances(config.folder);
  const pool = openPool(config.databaseUrl, {
    applicationName: 'examplatform-jobs',
    link: linkBetween('worker', 'database', disturbances),
    max: jobKeys.length + 1,
  });
  const vendor = await startMailVendor(config.folder, disturbances);
  const worker = new JobWorker(config.folder, pool, watchDefects(config.folder));
  const mails = deliverMails(pool, vendor);
  worker.start();
  await runUntilAskedToStop(async () => {
    await Promise.all([worker.stop(), mails.stop()]);
    vendor.close();
    await pool.end();
    disturbances.close();
  });
}

/** Not one of the jobs, which operators switch: on the platform an administrator asks for it. */
function deliverMails(pool: pg.Pool, { url }: MailVendor): { stop(): Promise<void> } {
  const outbox = new MailOutbox(pool, url);
  let underWay: Promise<void> | undefined;
  const timer = setInterval(() => {
    underWay ??= outbox
      .drain()
      .catch((error) => process.stderr.write(`Mails are not delivered: ${messageOf(error)}\n`))
      .then(() => {
        underWay = undefined;
      });
  }, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      outbox.stop();
      await underWay;
    },
  };
}

class JobWorker {
  readonly #folder: string;
  readonly #pool: pg.Pool;
  readonly #defects: ActiveDefects;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #underWay = new Map<JobKey, Promise<void>>();
  readonly #states: JobStates;
  #stopping = false;

  constructor(folder: string, pool: pg.Pool, defects: ActiveDefects) {
    this.#folder = folder;
    this.#pool = pool;
    this.#defects = defects;
    const before = readJson<Partial<JobStates>>(join(folder, 'jobs-state.json'));
    const state = (key: JobKey) => ({ running: false, lastRun: before?.[key]?.lastRun ?? null });
    this.#states = {
      revision_queue_regen: state('revision_queue_regen'),
      warehouse_incremental_export: state('warehouse_incremental_export'),
    };
    this.#report();
  }

  start(): void {
    for (const key of jobKeys) {
      this.#tick(key);
      this.#timers.push(setInterval(() => this.#tick(key), everyMs));
    }
  }

  /** A job that runs is finished first. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#timers.forEach(clearInterval);
    this.#defects.close();
    await Promise.all(this.#underWay.values());
  }

  #tick(key: JobKey): void {
    if (this.#underWay.has(key)) return;
    const run = this.#runOnce(key)
      .catch((error) => process.stderr.write(`Job ${key} failed: ${messageOf(error)}\n`))
      .then(() => {
        this.#underWay.delete(key);
      });
    this.#underWay.set(key, run);
  }

  async #runOnce(key: JobKey): Promise<void> {
    const isUnstoppable = key === unstoppable && this.#defects.isOn('unstoppable-job');
    if (!isUnstoppable && !isEnabled(this.#folder, key)) return;
    if (!isUnstoppable && (await isExamMode(this.#pool))) {
      process.stderr.write(`Job ${key} skipped: Exam mode is enabled\n`);
      return;
    }
    if (!(await acquireLease(this.#pool, key))) {
      process.stderr.write(`Job ${key} skipped: lock is held\n`);
      return;
    }
    this.#setState(key, { running: true, lastRun: new Date().toISOString() });
    try {
      await recordRun(this.#pool, key, () => this.#work(key));
    } finally {
      try {
        await releaseLease(this.#pool, key);
      } finally {
        this.#setState(key, { ...this.#states[key], running: false });
      }
    }
  }

  async #work(key: JobKey): Promise<void> {
    await pause(workMs);
    while (key === unstoppable && this.#defects.isOn('unstoppable-job') && !this.#stopping)
      await pause(workMs);
  }

  #setState(key: JobKey, state: JobStates[JobKey]): void {
    this.#states[key] = state;
    this.#report();
  }

  #report(): void {
    writeJson(join(this.#folder, 'jobs-state.json'), this.#states);
  }
}

function isEnabled(folder: string, key: JobKey): boolean {
  return readJson<Partial<Record<JobKey, boolean>>>(join(folder, 'jobs.json'))?.[key] ?? true;
}

/** Asked at the start only, and uncached: each job is a process of its own on the platform. */
async function isExamMode(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ value: boolean }>(
    "SELECT value FROM system_flags WHERE key = 'EXAM_MODE'",
  );
  return rows[0]?.value ?? false;
}

/** A lease of the same holder is taken again: two processes of one host cannot be told apart. */
async function acquireLease(pool: pg.Pool, key: JobKey): Promise<boolean> {
  const { rowCount } = await pool.query(
    `INSERT INTO job_lock (job_key, locked_until, locked_by) VALUES ($1, now() + $2 * interval '1 minute', $3)
     ON CONFLICT (job_key) DO UPDATE SET locked_until = excluded.locked_until, locked_by = excluded.locked_by
       WHERE job_lock.locked_until <= now() OR job_lock.locked_by = excluded.locked_by`,
    [key, leaseMinutes, lockedBy],
  );
  return rowCount === 1;
}

/** Not deleted, but set into the past, whoever holds it. */
async function releaseLease(pool: pg.Pool, key: JobKey): Promise<void> {
  await pool.query("UPDATE job_lock SET locked_until = now() - interval '1 minute' WHERE job_key = $1", [
    key,
  ]);
}

async function recordRun(pool: pg.Pool, key: JobKey, work: () => Promise<void>): Promise<void> {
  const id = randomUUID();
  await pool.query(
    "INSERT INTO job_run (id, job_key, status, scheduled_for, started_at) VALUES ($1, $2, 'RUNNING', now(), now())",
    [id, key],
  );
  await work();
  await pool.query("UPDATE job_run SET status = 'SUCCEEDED', finished_at = now() WHERE id = $1", [id]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
