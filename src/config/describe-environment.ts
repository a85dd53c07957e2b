import { formatDuration } from './duration.ts';
import type { Secret } from './secret.ts';
import type { ConnectionConfig, DriverConfig, EnvironmentConfig, IdentitiesConfig } from './settings.ts';

/** One effective setting, named as in the file. */
export interface SettingRow {
  readonly key: string;
  readonly value: string | number | boolean;
  /** "examctl.yaml:7:12 (staging)", or "default" */
  readonly origin: string;
}

type Described = readonly (readonly [key: string, value: string | number | boolean | undefined])[];

/** Every setting that is in force, also the defaults; secrets masked. */
export function describeEnvironment(environment: EnvironmentConfig): SettingRow[] {
  const { api, examMode, thresholds, origins } = environment;
  const settings: Described = [
    ['platform', environment.platform],
    ['protected', environment.protected],
    ...under('driver', describeDriver(environment.driver)),
    ...under('services', Object.entries(environment.services)),
    ['api.url', describeSecret(api?.url)],
    ['api.base_path', api && (api.basePath ?? 'probed')],
    ['api.token', describeSecret(api?.token)],
    ['api.admin_token', describeSecret(api?.adminToken)],
    ...under('database', describeConnection(environment.database)),
    ['database.replica', describeSecret(environment.database?.replica)],
    ...under('cache', describeConnection(environment.cache)),
    ['exam_mode.mechanisms', examMode.map(describeMechanism).join(', ')],
    ...under('identities', describeIdentities(environment.identities)),
    ['thresholds.p95_ms', thresholds.p95Ms],
    ['thresholds.error_rate', thresholds.errorRate],
    ['thresholds.db_pool', thresholds.dbPool],
  ];
  const standard = environment.builtIn ? 'built in' : 'default';
  return settings.flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value, origin: origins[key] ?? standard }],
  );
}

function under(setting: string, described: Described): Described {
  return described.map(([key, value]) => [`${setting}.${key}`, value]);
}

function describeDriver(driver: DriverConfig): Described {
  const { kind } = driver;
  switch (kind) {
    case 'sandbox':
    case 'none':
      return [['kind', kind]];
    case 'compose':
      return [
        ['kind', kind],
        ['file', driver.file],
        ['project', driver.project],
      ];
    case 'kubernetes':
      return [
        ['kind', kind],
        ['namespace', driver.namespace],
        ['context', driver.context ?? 'the current one'],
      ];
    case 'railway':
      return [
        ['kind', kind],
        ['project', driver.project],
        ['environment', driver.environment],
        ['token', describeSecret(driver.token)],
      ];
  }
}

function describeConnection(connection: ConnectionConfig | undefined): Described {
  if (connection === undefined) return [];
  return connection.kind === 'driver' ? [['via', 'driver']] : [['url', describeSecret(connection.url)]];
}

function describeMechanism(mechanism: EnvironmentConfig['examMode'][number]): string {
  if (mechanism.kind !== 'env-file') return mechanism.kind;
  const { file = 'its environment', variable, service } = mechanism;
  return `${variable} of ${service} in ${file}`;
}

function describeIdentities(identities: IdentitiesConfig | undefined): Described {
  if (identities === undefined) return [];
  if (identities.kind === 'file') return [['file', identities.file]];
  return [
    ['signing_key', describeSecret(identities.signingKey)],
    ['email_domain', identities.emailDomain],
    ['lifetime', formatDuration(identities.lifetime)],
  ];
}

/** "postgres://app:***@db/exams, from ${env:PASSWORD}" */
function describeSecret(secret: Secret | undefined): string | undefined {
  if (secret === undefined) return undefined;
  const { masked, references } = secret;
  return references.length === 0 ? masked : `${masked}, from ${references.join(' and ')}`;
}
