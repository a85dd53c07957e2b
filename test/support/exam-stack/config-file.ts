import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { mintTokens } from '../../../src/sandbox/backend/tokens.ts';
import { sandboxAdmin } from '../../../src/sandbox/seed.ts';
import type { Place } from './place.ts';
import { addressOf, ports, stackServices } from './services.ts';

/** A reference, as examctl.yaml writes secrets. */
function secretOf(name: string): string {
  return `\${file:secrets/${name}}`;
}

/** examctl.yaml with the environment "staging". */
export async function writeConfig({ folder, config, net }: Place, project: string): Promise<string> {
  const secrets = {
    'database-password': new URL(config.databaseUrl).password,
    'cache-password': new URL(config.redisUrl).password,
    'signing-key': config.jwtSigningKey,
    'admin-token': (await mintTokens(config, [sandboxAdmin]))[0]?.token ?? '',
  };
  mkdirSync(join(folder, 'secrets'), { mode: 0o700 });
  for (const [name, secret] of Object.entries(secrets))
    writeFileSync(join(folder, 'secrets', name), `${secret}\n`, { mode: 0o600 });
  /** the names of services are known in containers only */
  const fromHere = (url: string, role: 'database' | 'cache') => {
    const { protocol, username, port, pathname } = new URL(url);
    return `${protocol}//${username}:${secretOf(`${role}-password`)}@${addressOf(role, net)}:${port}${pathname}`;
  };
  const configFile = join(folder, 'examctl.yaml');
  const staging = {
    platform: 'exam-platform',
    driver: { kind: 'compose', file: 'compose.yml', project },
    services: stackServices,
    api: {
      url: `http://${addressOf('edge', net)}:${ports.edge}`,
      base_path: config.basePath,
      admin_token: secretOf('admin-token'),
    },
    database: { url: fromHere(config.databaseUrl, 'database') },
    cache: { url: fromHere(config.redisUrl, 'cache') },
    exam_mode: {
      mechanisms: ['system-flag', { 'env-file': '.env', variable: 'EXAM_MODE', service: 'backend' }],
    },
    // It shares its machine with other tests; and who connects to a container that is just starting is heard after one
    // second or three, when TCP sends again: on a busy machine more than 5 of 100 requests wait for that.
    thresholds: { p95_ms: 5_000 },
    identities: { signing_key: secretOf('signing-key'), email_domain: 'students.sandbox.local' },
  };
  writeFileSync(configFile, stringify({ environments: { staging } }));
  return configFile;
}
