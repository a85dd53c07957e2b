import type { ExamModeMechanism, Service, Thresholds } from '../lifecycle/environment.ts';
import type { WrittenThresholds } from '../lifecycle/finding-limit.ts';
import type { Platform } from '../lifecycle/platform.ts';
import type { LocatedProblem } from './problem.ts';
import type { Secret } from './secret.ts';

/** Variables of the process, read once in main. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** A validated configuration: defaults filled in, parents merged, paths absolute, durations in milliseconds. */
export interface Config {
  /** absolute; undefined when there is no file and the built-in sandbox is all there is */
  readonly file: string | undefined;
  /** in the order of the file; the built-in sandbox comes last, unless the file has one of that name */
  readonly environments: readonly EnvironmentConfig[];
  readonly people: readonly Person[];
  readonly contacts: readonly Contact[];
  /** folder of the user's own checks, absolute */
  readonly checksFolder: string | undefined;
  /** where that was written: "examctl.yaml:9:11" */
  readonly checksFolderAt?: string;
  /** limits of findings */
  readonly checkThresholds: readonly WrittenThresholds[];
  /** file of accepted findings, absolute; undefined: there is no configuration beside which it could be */
  readonly baselineFile: string | undefined;
  /** what is allowed, but probably not meant */
  readonly warnings: readonly LocatedProblem[];
}

/** What was written about the user's own checks and the limits of all; only who has the checks can judge it. */
export type CheckSettings = Pick<Config, 'checksFolder' | 'checksFolderAt' | 'checkThresholds'>;

export interface EnvironmentConfig {
  readonly name: string;
  readonly platform: Platform['id'];
  readonly protected: boolean;
  readonly driver: DriverConfig;
  /** what each role is called by the driver */
  readonly services: Readonly<Partial<Record<Service, string>>>;
  /** undefined for the sandbox, which knows its own addresses */
  readonly api: ApiConfig | undefined;
  readonly database: DatabaseConfig | undefined;
  readonly cache: ConnectionConfig | undefined;
  readonly examMode: readonly ExamModeMechanism[];
  readonly identities: IdentitiesConfig | undefined;
  readonly thresholds: Thresholds;
  /** true for the sandbox that is there without being configured */
  readonly builtIn: boolean;
  /** where a setting was written: "api.url" -> "examctl.yaml:7:12 (staging)"; absent: the default */
  readonly origins: Readonly<Record<string, string>>;
}

export type DriverConfig =
  | { readonly kind: 'sandbox' }
  /** only API, database and cache are reached */
  | { readonly kind: 'none' }
  | { readonly kind: 'compose'; readonly file: string; readonly project: string | undefined }
  | { readonly kind: 'kubernetes'; readonly namespace: string; readonly context: string | undefined }
  | {
      readonly kind: 'railway';
      readonly project: string;
      readonly environment: string;
      readonly token: Secret | undefined;
    };

export interface ApiConfig {
  /** may carry credentials, hence wrapped */
  readonly url: Secret;
  /** undefined: probe the platform's base paths */
  readonly basePath: string | undefined;
  readonly token: Secret | undefined;
  readonly adminToken: Secret | undefined;
}

/** A connection string, or the way through the driver's service. */
export type ConnectionConfig = { readonly kind: 'url'; readonly url: Secret } | { readonly kind: 'driver' };

export type DatabaseConfig = ConnectionConfig & {
  /** where integrity checks read */
  readonly replica?: Secret;
};

export type IdentitiesConfig =
  /** CSV with the columns user_id, email, token */
  | { readonly kind: 'file'; readonly file: string }
  /** tokens are minted for the accounts of one e-mail domain */
  | {
      readonly kind: 'signing-key';
      readonly signingKey: Secret;
      readonly emailDomain: string;
      /** milliseconds that a minted token is valid */
      readonly lifetime: number;
    };

export interface Person {
  readonly name: string;
  readonly roles: readonly string[];
  /** system accounts under which somebody may act as this person: what EXAMCTL_ACTOR says proves nothing */
  readonly accounts: readonly string[];
  /** public SSH keys */
  readonly keys: readonly string[];
}

export interface Contact {
  readonly id: string;
  readonly name: string | undefined;
  readonly phone: string | undefined;
  readonly email: string | undefined;
  readonly chat: string | undefined;
  readonly hours: string | undefined;
}
