import { resolve } from 'node:path';
import type { ExamModeMechanism, Thresholds } from '../lifecycle/environment.ts';
import { type CheckThresholds, parseFindingLimit } from '../lifecycle/finding-limit.ts';
import {
  builtInSandbox,
  defaultBaselineFile,
  defaultExamMode,
  defaultThresholds,
  defaultTokenLifetime,
  sandboxName,
} from './defaults.ts';
import { parseDuration } from './duration.ts';
import { type EffectiveEnvironment, withParents } from './inherit.ts';
import { formatPath, type LocatedProblem, type Path } from './problem.ts';
import { secretFrom } from './references.ts';
import { protocols, type WrittenConfig, type WrittenEnvironment } from './schema.ts';
import type { Secret } from './secret.ts';
import { resolvedUrlProblem } from './secret-rules.ts';
import type {
  ApiConfig,
  CheckSettings,
  Config,
  ConnectionConfig,
  Contact,
  DatabaseConfig,
  DriverConfig,
  EnvironmentConfig,
  IdentitiesConfig,
  Variables,
} from './settings.ts';

export interface BuildContext {
  /** absolute */
  readonly file: string;
  readonly folder: string;
  readonly env: Variables;
  /** "examctl.yaml:7:12" */
  readonly where: (path: Path, at?: 'key' | 'value') => string;
  readonly warnings: readonly LocatedProblem[];
}

/** What was written, with defaults, absolute paths and wrapped secrets. Every rule holds by now. */
export function buildConfig(written: WrittenConfig, context: BuildContext): Config {
  const names = Object.keys(written.environments);
  const general = buildGeneral(written, context);
  const environments = names.map((name) =>
    buildEnvironment(withParents(name, written.environments), general, context),
  );
  return {
    file: context.file,
    environments: names.includes(sandboxName)
      ? environments
      : [...environments, { ...builtInSandbox(general.thresholds), origins: general.origins }],
    people: (written.people ?? []).map(({ name, roles, accounts = [name], keys = [] }) => ({
      name,
      roles,
      accounts,
      keys,
    })),
    contacts: Object.entries(written.contacts ?? {}).map(([id, contact]) => buildContact(id, contact)),
    ...buildChecks(written.checks, context),
    warnings: context.warnings,
  };
}

export function buildChecks(
  { folder, thresholds = {}, baseline = defaultBaselineFile }: NonNullable<WrittenConfig['checks']> = {},
  context: Pick<BuildContext, 'folder' | 'where'>,
): CheckSettings & Pick<Config, 'baselineFile'> {
  return {
    checksFolder: folder === undefined ? undefined : resolve(context.folder, folder),
    ...(folder === undefined ? {} : { checksFolderAt: context.where(['checks', 'folder']) }),
    baselineFile: resolve(context.folder, baseline),
    checkThresholds: Object.entries(thresholds).map(([check, { warn, fail }]) => ({
      check,
      thresholds: { ...withLimit('warn', warn), ...withLimit('fail', fail) },
      where: context.where(['checks', 'thresholds', check], 'key'),
    })),
  };
}

function withLimit(key: keyof CheckThresholds, written: string | number | undefined): CheckThresholds {
  const limit = written === undefined ? undefined : parseFindingLimit(written);
  return limit === undefined ? {} : { [key]: limit };
}

/** What holds in every environment that does not say otherwise. */
interface GeneralSettings {
  readonly thresholds: Thresholds;
  readonly origins: Readonly<Record<string, string>>;
}

function buildGeneral({ thresholds }: WrittenConfig, { where }: BuildContext): GeneralSettings {
  const paths = Object.keys(thresholds ?? {}).map((key) => ['thresholds', key]);
  return {
    thresholds: withThresholds(defaultThresholds, thresholds),
    origins: Object.fromEntries(paths.map((path) => [formatPath(path), where(path)])),
  };
}

function buildEnvironment(
  effective: EffectiveEnvironment,
  general: GeneralSettings,
  context: BuildContext,
): EnvironmentConfig {
  const { name, settings } = effective;
  const { platform, driver } = settings;
  if (platform === undefined || driver === undefined)
    throw new Error(`${name} was built before it was validated`);
  const secretAt: SecretAt = (setting, key, text, allowed) => {
    const path = ['environments', effective.writtenIn(setting, key) ?? name, setting, key];
    const where = `${context.where(path)} ${formatPath(path)}`;
    const check = allowed && ((value: string) => resolvedUrlProblem(value, allowed));
    return secretFrom(text, { ...context, where, ...(check && { check }) });
  };
  const pathOf = (written: string) => resolve(context.folder, written);
  return {
    name,
    platform,
    protected: settings.protected ?? false,
    driver: buildDriver(driver, pathOf, secretAt),
    services: definedOnly(settings.services ?? {}),
    api: buildApi(settings.api, secretAt),
    database: buildDatabase(settings.database, secretAt),
    cache: buildConnection('cache', settings.cache, secretAt),
    examMode: settings.exam_mode?.mechanisms.map((one) => buildMechanism(one, pathOf)) ?? defaultExamMode,
    identities: buildIdentities(settings.identities, pathOf, secretAt),
    thresholds: withThresholds(general.thresholds, settings.thresholds),
    builtIn: false,
    origins: { ...general.origins, ...originsOf(effective, context) },
  };
}

type SecretAt = (
  setting: keyof WrittenEnvironment,
  key: string,
  text: string,
  allowedProtocols?: readonly string[],
) => Secret;
type PathOf = (written: string) => string;

function buildDriver(
  driver: NonNullable<WrittenEnvironment['driver']>,
  pathOf: PathOf,
  secretAt: SecretAt,
): DriverConfig {
  switch (driver.kind) {
    case 'sandbox':
    case 'none':
      return { kind: driver.kind };
    case 'compose':
      return { kind: driver.kind, file: pathOf(driver.file), project: driver.project };
    case 'kubernetes':
      return { kind: driver.kind, namespace: driver.namespace, context: driver.context };
    case 'railway': {
      const { kind, project, environment, token } = driver;
      return {
        kind,
        project,
        environment,
        token: token === undefined ? token : secretAt('driver', 'token', token),
      };
    }
  }
}

function buildApi(api: WrittenEnvironment['api'], secretAt: SecretAt): ApiConfig | undefined {
  if (api?.url === undefined) return undefined;
  const { url, base_path: basePath, token, admin_token: adminToken } = api;
  return {
    url: secretAt('api', 'url', url, protocols.api),
    basePath,
    token: token === undefined ? undefined : secretAt('api', 'token', token),
    adminToken: adminToken === undefined ? undefined : secretAt('api', 'admin_token', adminToken),
  };
}

function buildConnection(
  setting: 'database' | 'cache',
  connection: WrittenEnvironment['database'],
  secretAt: SecretAt,
): ConnectionConfig | undefined {
  if (connection === undefined) return undefined;
  if (connection.url === undefined) return { kind: 'driver' };
  return { kind: 'url', url: secretAt(setting, 'url', connection.url, protocols[setting]) };
}

function buildDatabase(
  database: WrittenEnvironment['database'],
  secretAt: SecretAt,
): DatabaseConfig | undefined {
  const connection = buildConnection('database', database, secretAt);
  if (connection === undefined || database?.replica === undefined) return connection;
  return {
    ...connection,
    replica: secretAt('database', 'replica', database.replica, protocols.database),
  };
}

type WrittenMechanism = NonNullable<WrittenEnvironment['exam_mode']>['mechanisms'][number];

function buildMechanism(mechanism: WrittenMechanism, pathOf: PathOf): ExamModeMechanism {
  if (typeof mechanism === 'string') return { kind: mechanism };
  const { 'env-file': file, variable, service = 'backend' } = mechanism;
  return { kind: 'env-file', ...(file !== undefined && { file: pathOf(file) }), variable, service };
}

function buildIdentities(
  identities: WrittenEnvironment['identities'],
  pathOf: PathOf,
  secretAt: SecretAt,
): IdentitiesConfig | undefined {
  if (identities?.file !== undefined) return { kind: 'file', file: pathOf(identities.file) };
  if (identities?.signing_key === undefined || identities.email_domain === undefined) return undefined;
  return {
    kind: 'signing-key',
    signingKey: secretAt('identities', 'signing_key', identities.signing_key),
    emailDomain: identities.email_domain,
    lifetime: parseDuration(identities.lifetime ?? defaultTokenLifetime),
  };
}

function withThresholds(base: Thresholds, written: WrittenConfig['thresholds']): Thresholds {
  return {
    p95Ms: written?.p95_ms ?? base.p95Ms,
    errorRate: written?.error_rate ?? base.errorRate,
    dbPool: written?.db_pool ?? base.dbPool,
  };
}

type WrittenContact = NonNullable<WrittenConfig['contacts']>[string];

function buildContact(id: string, written: WrittenContact): Contact {
  const { name, phone, email, chat, hours } =
    typeof written === 'string' ? contactFromText(written) : written;
  return { id, name, phone, email, chat, hours };
}

function contactFromText(text: string): Exclude<WrittenContact, string> {
  if (/^\S+@\S+$/.test(text)) return { email: text };
  if (/^\+?[\d\s()./-]+$/.test(text)) return { phone: text };
  return /^(#|@|https?:)/.test(text) ? { chat: text } : { name: text };
}

/** "api.url" -> "examctl.yaml:7:12 (staging)", for every key that was written. */
function originsOf({ settings, name, writtenIn }: EffectiveEnvironment, { where }: BuildContext) {
  const origins: Record<string, string> = {};
  const remember = (path: Path, owner: string | undefined) => {
    if (owner === undefined) return;
    const from = owner === name ? '' : ` (${owner})`;
    origins[formatPath(path)] = `${where(['environments', owner, ...path])}${from}`;
  };
  for (const [setting, value] of Object.entries(settings) as [keyof WrittenEnvironment, unknown][]) {
    const isMapping = typeof value === 'object' && value !== null;
    if (!isMapping) remember([setting], writtenIn(setting));
    else for (const key of Object.keys(value)) remember([setting, key], writtenIn(setting, key));
  }
  return origins;
}

function definedOnly<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;
}
