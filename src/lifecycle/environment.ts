import type { Disturber, Helpers } from './disturbance.ts';
import type { Action } from './plan.ts';
import type { Platform } from './platform.ts';

/** A role in an environment. Each has one or more instances. */
export type Service = 'backend' | 'frontend' | 'database' | 'cache' | 'edge' | 'worker';

export interface ServiceInstance {
  readonly service: Service;
  /** unique in the environment and stable over restarts: "backend-1" */
  readonly id: string;
  readonly state: 'running' | 'starting' | 'stopped' | 'unhealthy' | 'unknown';
  /** what the state rests on, or why it is not running */
  readonly detail?: string;
  readonly pid?: number;
  readonly since?: Date;
  /** base address of this very instance, when it can be reached without the edge: "http://127.0.0.1:43121" */
  readonly address?: string;
  /** how often the supervisor had to start it again after a crash */
  readonly restarts?: number;
}

export interface InstanceStats {
  readonly id: string;
  readonly service: Service;
  /** share of one core, since the last sample: 0.5 is half a core */
  readonly cpu: number | null;
  readonly memoryBytes: number | null;
}

/** How the services of an environment are reached and changed. Everything that changes is idempotent. */
export interface Driver {
  readonly kind: 'sandbox' | 'compose' | 'kubernetes' | 'railway' | 'none';
  /** all instances of all services; throws Undetermined when the driver itself cannot be asked */
  instances(): Promise<ServiceInstance[]>;
  /** resolves when every instance of the service answers, not merely when it was started */
  start(service: Service, signal: AbortSignal): Promise<void>;
  stop(service: Service, signal: AbortSignal): Promise<void>;
  restart(service: Service, signal: AbortSignal): Promise<void>;
  /** asks one instance to end, starts it again and waits until it answers */
  restartInstance(id: string, signal: AbortSignal): Promise<void>;
  /** its processes stay, and none of them runs: who asks waits; start() lets them go on */
  pause(service: Service, signal: AbortSignal): Promise<void>;
  /** process ids of the service's workers, in all of its instances, as the machine that they run on knows them */
  workers(service: Service): Promise<readonly number[]>;
  /** ends one worker process at once (SIGKILL) and resolves when it is gone; whoever watches over it replaces it */
  killWorker(service: Service, signal: AbortSignal): Promise<void>;
  readonly disturber: Disturber;
  /** what a person would type for these actions, for a plan; absent: the driver has no words for that */
  commands?(actions: readonly Action[]): Promise<readonly string[]>;
  /**
   * All of the environment that a fault may touch, to compare before and after: by a name for people ("backend-1 state"),
   * a text that is equal as long as it is untouched. What may settle by itself has a name that ends in " state".
   */
  snapshot(signal?: AbortSignal): Promise<Snapshot>;
  /** absent where services are not made of images */
  readonly images?: ServiceImages;
  /** a digest of the files that say how services are made: a plan rests on them; absent where there are none */
  revision?(): Promise<string>;
  /** URL, with credentials, of the database or cache as its service has it; absent where it has to be configured */
  connectionUrl?(service: 'database' | 'cache'): Promise<string>;
  /** the variable as the running service has it; undefined when it is not set */
  variable(service: Service, name: string): Promise<string | undefined>;
  /** the variable's value as its env file has it, quotes and all; absent where files are written as services have it */
  writtenVariable?(
    service: Service,
    name: string,
  ): { readonly file: string; readonly text: string | undefined };
  /**
   * Sets (undefined: unsets) a variable in the service's env file, where the value is written as it is, and recreates the
   * service so that it has it.
   */
  setVariable(service: Service, name: string, value: string | undefined, signal: AbortSignal): Promise<void>;
  /** log lines of the service's instances since a time, in the order of each instance */
  logs(
    service: Service,
    options: { since?: Date; follow?: boolean; signal?: AbortSignal },
  ): AsyncIterable<LogLine>;
  stats(): Promise<InstanceStats[]>;
  /** background jobs: host crontab, scheduler or worker process, whatever the driver's machines use */
  jobs(): Promise<JobSchedule[]>;
  setJobsEnabled(enabled: boolean, jobKeys: readonly string[], signal: AbortSignal): Promise<void>;
}

/** The images that services are made of, as the driver's machine has them. */
export interface ServiceImages {
  look(service: Service): Promise<ServiceImage>;
  /** the id of an image by its name and tag; undefined: it is not there, and is not fetched */
  idOf(reference: string): Promise<string | undefined>;
  /** writes the setting, makes the service anew with it, and resolves when it is well */
  deploy(service: Service, setting: ImageSetting, signal: AbortSignal): Promise<void>;
}

/** What a service is made of now. */
export interface ServiceImage {
  /** "registry.example.com/backend:14" */
  readonly reference: string;
  readonly id: string;
  readonly repository: string;
  /** others of the same repository that are there, the newest first */
  readonly others: readonly { readonly tag: string; readonly id: string; readonly createdAt: Date }[];
  readonly setting: ImageSetting;
  /** for another tag */
  settingFor(tag: string): ImageSetting;
  /** other services of the environment's files that are made with the same setting */
  readonly sharedWith: readonly string[];
}

/** The text that decides which image a service is made of, where it is written. */
export interface ImageSetting {
  readonly file: string;
  /** of an env file; null: the image itself, in the file that describes the services */
  readonly variable: string | null;
  /** null: it is not there, and a default counts */
  readonly text: string | null;
}

export type Snapshot = Readonly<Record<string, string>>;

export interface LogLine {
  readonly instance: string;
  readonly text: string;
}

export interface JobSchedule {
  readonly key: string;
  readonly enabled: boolean;
  /** a process of this job is alive now; null: it runs inside of another process, so only its rows tell */
  readonly running: boolean | null;
  /** false: nobody but the job itself can keep it from starting; default true */
  readonly switchable?: boolean;
}

export interface QueryResult<Row> {
  readonly rows: Row[];
}

/** A connection to the environment's PostgreSQL. Values go as parameters, never into the text. */
export interface Postgres {
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>;
}

export interface PostgresOptions {
  /** default true: READ ONLY transaction, statement_timeout, lock_timeout, idle timeout */
  readonly readOnly?: boolean;
  /** milliseconds, default 10,000 */
  readonly statementTimeout?: number;
  /** a snapshot that another connection exported: this one sees the same */
  readonly snapshot?: string;
  /** milliseconds until the transaction must have begun; default: no limit but that of connecting */
  readonly beginWithin?: number;
}

export interface Redis {
  ping(): Promise<void>;
  info(): Promise<Record<string, string>>;
  call(command: string, ...args: (string | number)[]): Promise<unknown>;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** relative to the platform's base path ("/ready"), or to the root when it starts with "//" ("//health") */
  readonly path: string;
  readonly body?: unknown;
  /** default: none; `admin` uses the environment's configured token */
  readonly as?: 'admin' | { readonly token: string };
  readonly headers?: Readonly<Record<string, string>>;
  /** one instance instead of the edge: ServiceInstance.address */
  readonly address?: string;
  /** a connection of its own, closed afterwards; default false */
  readonly freshConnection?: boolean;
  /** milliseconds, default 10,000 */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** parsed JSON, or the text when it is not JSON */
  readonly body: unknown;
  readonly ms: number;
}

/** The platform's HTTP API. An answer of any status resolves; no answer rejects with Undetermined. */
export interface Api {
  readonly url: string;
  /** of the administrator's token, where it tells */
  readonly adminTokenExpiresAt?: Date | undefined;
  /** the address with the base path that answers: load engines make thousands of requests, and cannot each look for it */
  baseUrl(signal: AbortSignal): Promise<string>;
  request(request: ApiRequest): Promise<ApiResponse>;
}

/** A student that a load run may act as. */
export interface Identity {
  readonly userId: string;
  readonly email: string;
  readonly token: string;
  /** for a new token when that one expires; each is good for one use */
  readonly refreshToken?: string;
}

/** The accounts that load runs act as. */
export interface RehearsalAccounts {
  /** all accounts with an address at this domain */
  readonly emailDomain: string | null;
  readonly userIds: readonly string[];
}

export interface Thresholds {
  readonly p95Ms: number;
  readonly errorRate: number;
  readonly dbPool: number;
}

/** An environment that examctl makes and takes away again. */
export interface Ephemeral {
  isUp(): Promise<boolean>;
  up(signal: AbortSignal): Promise<void>;
  /** leaves nothing behind; idempotent */
  down(): Promise<void>;
}

/** A named deployment that is operated, opened: connections are made when used. */
export interface Environment {
  readonly name: string;
  readonly protected: boolean;
  readonly platform: Platform;
  readonly driver: Driver;
  readonly api: Api;
  readonly thresholds: Thresholds;
  /** which exam-mode mechanisms are configured, in the order in which they are set */
  readonly examMode: readonly ExamModeMechanism[];
  readonly ephemeral?: Ephemeral;
  /** which system it really is, whatever it is called; what could not be asked is left out */
  fingerprint(): Promise<Fingerprint>;
  readonly helpers: Helpers;
  withPostgres<T>(use: (postgres: Postgres) => Promise<T>, options?: PostgresOptions): Promise<T>;
  /** a copy of the database that only reads, where one is configured */
  readonly replica?: Environment['withPostgres'];
  withRedis<T>(use: (redis: Redis) => Promise<T>): Promise<T>;
  /** students for load, at most `count`, with tokens issued by a clock that is off by so much; throws Undetermined with the way to configure them when there are none */
  identities(count: number, options?: { readonly clockOffsetSeconds?: number }): Promise<Identity[]>;
  /** null when none are configured; absent where nothing can be */
  rehearsalAccounts?(): Promise<RehearsalAccounts | null>;
}

/** "database" -> what tells it from any other one */
export type Fingerprint = Readonly<Record<string, string>>;

/** What is another one now than it was; what is known of one of the two only says nothing. */
export function otherThan(then: Fingerprint, now: Fingerprint): string[] {
  return Object.keys(then).filter((part) => now[part] !== undefined && now[part] !== then[part]);
}

export type ExamModeMechanism =
  | { readonly kind: 'system-flag' }
  | { readonly kind: 'system-flag-sql' }
  | {
      readonly kind: 'env-file';
      readonly file?: string;
      readonly variable: string;
      readonly service: Service;
    };
