// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how references are written
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema, loadConfig, selectEnvironment } from '../../src/config/load.ts';
import { ConfigError, UsageError } from '../../src/lifecycle/errors.ts';

const examples = join(import.meta.dirname, '../../examples');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'examctl-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

let counter = 0;
/** Loads the text as examctl.yaml of a folder of its own. */
async function load(text: string, env: Record<string, string> = {}) {
  const cwd = join(folder, String(counter++));
  await mkdir(cwd);
  await writeFile(join(cwd, 'examctl.yaml'), text);
  return { cwd, config: await loadConfig({ cwd, env }) };
}

const design = `
environments:
  staging:
    platform: exam-platform
    driver: { kind: compose, file: infra/docker/compose/docker-compose.prod.yml }
    services: { backend: backend_staging, database: postgres_staging, cache: redis_staging, edge: traefik }
    api: { url: https://api-staging.example.com, token: "\${env:AUTH_TOKEN}" }
    database: { url: "\${env:STAGING_DATABASE_URL}" }       # or: { via: driver } to go through the service
    cache: { url: "\${env:STAGING_REDIS_URL}" }
    exam_mode: { mechanisms: [system-flag, { env-file: infra/docker/compose/.env, variable: EXAM_MODE }] }
  prod:
    extends: staging
    protected: true
thresholds: { p95_ms: 500, error_rate: 0.01, db_pool: 0.8 }
people:
  - { name: on-call-1, roles: [on-call-backend], keys: ["ssh-ed25519 AAAA..."] }
contacts: { exam-office: "+44 20 7946 0000" }
`;

describe('finding the file', () => {
  test('without a file there is the sandbox, and nothing else', async () => {
    const config = await loadConfig({ cwd: '/', env: {} });
    expect(config.file).toBeUndefined();
    expect(config.environments).toEqual([
      expect.objectContaining({ name: 'sandbox', platform: 'exam-platform', driver: { kind: 'sandbox' } }),
    ]);
  });

  test('the nearest file above the current folder is taken', async () => {
    const { cwd } = await load(design);
    const deep = join(cwd, 'a', 'b');
    await mkdir(deep, { recursive: true });
    expect((await loadConfig({ cwd: deep, env: {} })).file).toBe(join(cwd, 'examctl.yaml'));
  });

  test('what is called examctl.yaml and is no file is an error that names it, not the sandbox', async () => {
    const { cwd } = await load(design);
    const deep = join(cwd, 'c');
    await mkdir(join(deep, 'examctl.yaml'), { recursive: true });
    const loading = () => loadConfig({ cwd: deep, env: {} });
    await expect(loading()).rejects.toThrow(`${join(deep, 'examctl.yaml')} is a folder, and no file`);
    await rm(join(deep, 'examctl.yaml'), { recursive: true });
    await symlink('gone.yaml', join(deep, 'examctl.yaml'));
    await expect(loading()).rejects.toThrow(ConfigError);
    await expect(loading()).rejects.toThrow(/a link to nothing/);
    await rm(join(deep, 'examctl.yaml'));
    await symlink('../examctl.yaml', join(deep, 'examctl.yaml'));
    expect((await loading()).file).toBe(join(deep, 'examctl.yaml'));
  });

  test('anchors, merge keys and keys that begin with x- are taken as in compose files', async () => {
    const { config } = await load(`x-defaults: &defaults
  platform: exam-platform
  thresholds: { p95_ms: 400 }
environments:
  staging:
    <<: *defaults
    driver: { kind: compose, file: docker-compose.yml }
`);
    expect(config.environments[0]).toMatchObject({ name: 'staging', platform: 'exam-platform' });
    expect(config.environments[0]?.thresholds.p95Ms).toBe(400);
    await expect(load('environments: {}\ny-other: 1\n')).rejects.toThrow('y-other: unknown key');
  });

  test('a file that was asked for and is not there is an error, not the sandbox', async () => {
    const loading = loadConfig({ cwd: folder, file: 'other.yaml', env: {} });
    await expect(loading).rejects.toThrow(ConfigError);
    await expect(loading).rejects.toThrow(join(folder, 'other.yaml'));
  });

  test('a broken file throws one error that lists every problem', async () => {
    const loading = load('environments:\n  a: { platfrom: x }\nfoo: 1\n');
    await expect(loading).rejects.toThrow(ConfigError);
    await expect(loading).rejects.toThrow(/has 4 problems:\n(examctl\.yaml:\d+:\d+ .*\n?){4}$/);
  });
});

describe('what was written becomes what holds', () => {
  test('every key of the documented example has its effect', async () => {
    const { cwd, config } = await load(design, {
      AUTH_TOKEN: 't0ken',
      STAGING_DATABASE_URL: 'postgres://a:b@c/d',
    });
    const staging = selectEnvironment(config, { name: 'staging', env: {} });
    expect(staging).toMatchObject({
      platform: 'exam-platform',
      protected: false,
      driver: { kind: 'compose', file: join(cwd, 'infra/docker/compose/docker-compose.prod.yml') },
      services: {
        backend: 'backend_staging',
        database: 'postgres_staging',
        cache: 'redis_staging',
        edge: 'traefik',
      },
      examMode: [
        { kind: 'system-flag' },
        {
          kind: 'env-file',
          file: join(cwd, 'infra/docker/compose/.env'),
          variable: 'EXAM_MODE',
          service: 'backend',
        },
      ],
      thresholds: { p95Ms: 500, errorRate: 0.01, dbPool: 0.8 },
    });
    expect(staging.api?.url.reveal()).toBe('https://api-staging.example.com');
    expect(staging.api?.token?.reveal()).toBe('t0ken');
    expect(staging.database?.kind === 'url' && staging.database.url.reveal()).toBe('postgres://a:b@c/d');
    expect(config.people).toEqual([
      {
        name: 'on-call-1',
        roles: ['on-call-backend'],
        accounts: ['on-call-1'],
        keys: ['ssh-ed25519 AAAA...'],
      },
    ]);
    expect(config.contacts).toEqual([
      expect.objectContaining({ id: 'exam-office', phone: '+44 20 7946 0000' }),
    ]);
  });

  test('the child wins, api, services and thresholds are merged key by key, the rest is taken whole', async () => {
    const { config } = await load(`
environments:
  base:
    platform: exam-platform
    protected: true
    driver: { kind: compose, file: a.yml, project: p }
    services: { backend: b, cache: c }
    api: { url: https://base.example.com, base_path: /v1 }
    database: { url: "\${env:D}" }
  middle: { extends: base, thresholds: { p95_ms: 300 }, services: { backend: m } }
  leaf:
    extends: middle
    driver: { kind: compose, file: b.yml }
    api: { url: https://leaf.example.com }
    database: { via: driver }
    thresholds: { db_pool: 0.5 }
thresholds: { p95_ms: 900, error_rate: 0.2 }
`);
    const leaf = selectEnvironment(config, { name: 'leaf', env: {} });
    expect(leaf).toMatchObject({
      protected: true,
      driver: { kind: 'compose', project: undefined },
      services: { backend: 'm', cache: 'c' },
      api: { basePath: '/v1' },
      database: { kind: 'driver' },
      thresholds: { p95Ms: 300, errorRate: 0.2, dbPool: 0.5 },
    });
    expect(leaf.api?.url.reveal()).toBe('https://leaf.example.com');
    expect(leaf.origins).toMatchObject({
      'api.url': 'examctl.yaml:14:17',
      'api.base_path': 'examctl.yaml:8:54 (base)',
      'thresholds.p95_ms': 'examctl.yaml:10:50 (middle)',
      'thresholds.error_rate': 'examctl.yaml:17:40',
      protected: 'examctl.yaml:5:16 (base)',
    });
  });

  test('an environment that inherits the address of another is suspicious', async () => {
    const { config } = await load(design);
    expect(config.warnings).toEqual([
      expect.objectContaining({
        code: 'shared-system',
        path: 'environments.prod',
        message: 'operates the same api, database, cache as staging',
      }),
    ]);
  });

  test('exam mode is set by the system flag unless the file says otherwise', async () => {
    const { config } = await load(
      'environments: { a: { platform: exam-platform, driver: { kind: sandbox } } }',
    );
    expect(selectEnvironment(config, { env: {} }).examMode).toEqual([{ kind: 'system-flag' }]);
  });

  test('the example is valid, free of warnings, and shows every key that there is', async () => {
    const config = await loadConfig({ cwd: examples, env: {} });
    expect(config.warnings).toEqual([]);
    const written = keysIn(parse(await readFile(join(examples, 'examctl.yaml'), 'utf8')));
    const known = propertiesIn(await configJsonSchema());
    // The exam platform has no worker processes.
    expect([...known].filter((key) => !written.has(key))).toEqual(['worker']);
  });
});

function keysIn(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set();
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return new Set([...own, ...Object.values(value).flatMap((one) => [...keysIn(one)])]);
}

function propertiesIn(schema: unknown): Set<string> {
  if (typeof schema !== 'object' || schema === null) return new Set();
  const own = Object.keys((schema as { properties?: object }).properties ?? {});
  return new Set([...own, ...Object.values(schema).flatMap((one) => [...propertiesIn(one)])]);
}

describe('secrets', () => {
  const withToken = (token: string) =>
    load(
      `environments:\n  a:\n    platform: exam-platform\n    driver: { kind: compose, file: c.yml }\n    api: { url: https://x.example.com, token: "${token}" }\n`,
    );
  async function tokenOf(token: string, env: Record<string, string> = {}) {
    const { cwd } = await withToken(token);
    const config = await loadConfig({ cwd, env });
    const secret = selectEnvironment(config, { name: 'a', env }).api?.token;
    if (secret === undefined) throw new Error('the token is gone');
    return { cwd, secret };
  }

  test('a variable may stand anywhere inside a text', async () => {
    const { secret } = await tokenOf('a-${env:ONE}-${env:TWO}', { ONE: '1', TWO: '$&' });
    expect(secret.reveal()).toBe('a-1-$&');
  });

  test('a file is read beside the configuration, without the end of its line', async () => {
    const { cwd, secret } = await tokenOf('${file:token.txt}');
    await writeFile(join(cwd, 'token.txt'), 'from-file\n');
    expect(secret.reveal()).toBe('from-file');
  });

  test('they print as *** wherever they are put', async () => {
    const { secret } = await tokenOf('${env:TOKEN}', { TOKEN: 'hunter2' });
    const prints = [
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ secret }, { depth: 9 }),
      String([secret]),
    ];
    for (const print of prints) {
      expect(print).toContain('***');
      expect(print).not.toContain('hunter2');
    }
    expect(Object.values(secret)).not.toContain('hunter2');
    expect(secret.reveal()).toBe('hunter2');
  });

  test('an unset variable is no problem until it is needed, and then named with its place', async () => {
    const { secret } = await tokenOf('${env:MISSING_TOKEN}');
    expect(() => secret.reveal()).toThrow(ConfigError);
    expect(() => secret.reveal()).toThrow(
      'examctl.yaml:5:47 environments.a.api.token: the variable MISSING_TOKEN is not set',
    );
  });

  test('an empty variable is not a secret either', async () => {
    const { secret } = await tokenOf('${env:TOKEN}', { TOKEN: '' });
    expect(() => secret.reveal()).toThrow('the variable TOKEN is empty');
  });

  test('a secret file that is missing or empty is named with its place', async () => {
    const { cwd, secret } = await tokenOf('${file:secrets/token}');
    expect(() => secret.reveal()).toThrow(/^examctl\.yaml:5:47 .* cannot be read: ENOENT/);
    await mkdir(join(cwd, 'secrets'));
    await writeFile(join(cwd, 'secrets/token'), '\n');
    expect(() => secret.reveal()).toThrow('is empty');
  });

  test('a variable that does not hold the address it should is refused without showing it', async () => {
    const { config } = await load(design, { STAGING_DATABASE_URL: 'mysql://root:hunter2@db/x' });
    const { database } = selectEnvironment(config, { name: 'staging', env: {} });
    const reveal = () => database?.kind === 'url' && database.url.reveal();
    expect(reveal).toThrow(
      /\$\{env:STAGING_DATABASE_URL\} is not a postgres:\/\/ or postgresql:\/\/ address/,
    );
    expect(reveal).not.toThrow(/hunter2/);
  });

  test('the place of an inherited secret is where it is written', async () => {
    const { config } = await load(design);
    const { api } = selectEnvironment(config, { name: 'prod', env: {} });
    expect(() => api?.token?.reveal()).toThrow('examctl.yaml:7:57 environments.staging.api.token: ');
  });
});

describe('choosing the environment', () => {
  const one = 'environments: { staging: { platform: exam-platform, driver: { kind: sandbox } } }';

  test('the name wins over EXAMCTL_ENV, which wins over the only one', async () => {
    const { config } = await load(design);
    const { config: single } = await load(one);
    expect(selectEnvironment(config, { name: 'prod', env: { EXAMCTL_ENV: 'staging' } }).name).toBe('prod');
    expect(selectEnvironment(config, { env: { EXAMCTL_ENV: 'staging' } }).name).toBe('staging');
    expect(selectEnvironment(single, { env: {} }).name).toBe('staging');
    expect(selectEnvironment(single, { env: { EXAMCTL_ENV: '' } }).name).toBe('staging');
  });

  test('without a file the sandbox is chosen', async () => {
    expect(selectEnvironment(await loadConfig({ cwd: '/', env: {} }), { env: {} }).name).toBe('sandbox');
  });

  test('the built-in sandbox can be named beside a file that does not have it', async () => {
    const { config } = await load(design);
    expect(selectEnvironment(config, { name: 'sandbox', env: {} }).driver).toEqual({ kind: 'sandbox' });
  });

  test('a sandbox of the file takes the place of the built-in one', async () => {
    const { config } = await load(
      one.replace('staging', 'sandbox').replace('platform:', 'protected: true, platform:'),
    );
    expect(config.environments).toHaveLength(1);
    expect(selectEnvironment(config, { env: {} })).toMatchObject({
      name: 'sandbox',
      protected: true,
      builtIn: false,
    });
  });

  test('several without a choice are listed', async () => {
    const { config } = await load(design);
    expect(() => selectEnvironment(config, { env: {} })).toThrow(UsageError);
    expect(() => selectEnvironment(config, { env: {} })).toThrow(/staging, prod/);
  });

  test('an unknown name is answered with the nearest one and the list', async () => {
    const { config } = await load(design);
    const select = () => selectEnvironment(config, { name: 'prodd', env: {} });
    expect(select).toThrow(UsageError);
    expect(select).toThrow('there is no environment "prodd"; known: staging, prod, sandbox');
    expect(select).toThrow(expect.objectContaining({ hint: 'did you mean --env prod?' }));
    expect(() => selectEnvironment(config, { env: { EXAMCTL_ENV: 'constructor' } })).toThrow(
      '(from EXAMCTL_ENV)',
    );
  });
});

describe('a reference inside of a URL', () => {
  const connected = (database: string, cache = 'redis://127.0.0.1:9') => `
environments:
  pw:
    platform: exam-platform
    driver: { kind: kubernetes, namespace: none }
    api: { url: "http://127.0.0.1:9" }
    database: { url: "${database}" }
    cache: { url: "${cache}" }
`;
  const revealed = async (database: string, env: Record<string, string>) => {
    const { config } = await load(connected(database), env);
    const connection = selectEnvironment(config, { name: 'pw', env }).database;
    if (connection?.kind !== 'url') throw new Error('no URL');
    return connection.url.reveal();
  };

  test.each(['ab/cd+ef==', '4711/geheim', '12#x', 'p@ss', '100%sure', 'p%40ss', 'a?b:c&d', 'ümlaut'])(
    'may hold the password %s',
    async (PW) => {
      const url = new URL(await revealed('postgres://exam_user:${env:PW}@127.0.0.1:9/exams', { PW }));
      expect(decodeURIComponent(url.password)).toBe(PW);
      expect(url.host).toBe('127.0.0.1:9');
      const asOne = new URL(await revealed('postgres://${env:LOGIN}@db/exams', { LOGIN: `me:${PW}` }));
      expect([asOne.username, decodeURIComponent(asOne.password), asOne.host]).toEqual(['me', PW, 'db']);
    },
  );

  test('is taken as it is as host or path, and encoded as a value of the query', async () => {
    const env = { PW: 'a/b', PLACE: 'db:5433', OPTIONS: '-c x=1&y' };
    expect(await revealed('postgres://u:${env:PW}@${env:PLACE}/exams?options=${env:OPTIONS}', env)).toBe(
      'postgres://u:a%2Fb@db:5433/exams?options=-c%20x%3D1%26y',
    );
  });

  test.each([
    ['postgres://u:ab/geheim@db/exams', 'must be percent-encoded'],
    ['postgres://u:4711/geheim@db/exams', 'must be percent-encoded'],
    ['postgres://u:12#geheim@db/exams', 'must be percent-encoded'],
    ['postgres://u:12?geheim@db/exams', 'must be percent-encoded'],
    ['postgres://u:geheim%FF@db/exams', 'must be written as %25'],
    ['postgres://u:geheim@one:5432,two:5432/exams', 'names several hosts, and examctl asks one'],
    ['geheim', 'is not a URL'],
  ])('that is all of it names what is wrong with it, and shows nothing of it: %s', async (URL, message) => {
    const attempt = revealed('${env:URL}', { URL });
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.not.toThrow('geheim');
  });

  test('that is all of it may have a name with @ in its query, and a % on its own', async () => {
    const URL = 'postgres://u:100%sure@db/exams?user=me@corp';
    expect(await revealed('${env:URL}', { URL })).toBe(URL);
  });

  test('is no place for a login to the API: it is not sent', async () => {
    const { config } = await load(
      connected('postgres://db/exams').replace(
        'http://127.0.0.1:9',
        'https://ops:${env:PW}@exams.example.com',
      ),
    );
    expect(config.warnings).toMatchObject([{ code: 'unused-login', path: 'environments.pw.api.url' }]);
  });
});
