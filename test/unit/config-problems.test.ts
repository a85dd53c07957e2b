// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how references are written
import { describe, expect, test } from 'vitest';
import { formatProblem } from '../../src/config/problem.ts';
import { readConfigText } from '../../src/config/read-config.ts';

const sound = `
    platform: exam-platform
    driver: { kind: compose, file: compose.yml }
    api: { url: https://api.example.com }`;

function problemsOf(text: string): string[] {
  const { problems } = readConfigText({ text, file: '/repo/examctl.yaml', shownAs: 'examctl.yaml', env: {} });
  return problems.map(formatProblem);
}

/** Problems of one sound environment with more lines in it. */
function problemsWith(lines: string): string[] {
  return problemsOf(`environments:\n  staging:${sound}\n${lines.replace(/^/gm, '    ')}\n`);
}

describe('the shape of examctl.yaml', () => {
  test('an environment with nothing wrong has no problems', () => {
    expect(problemsWith('protected: false')).toEqual([]);
  });

  test('an unknown key points at the key and names the nearest known one', () => {
    expect(problemsWith('protcted: true')).toEqual([
      expect.stringMatching(
        /^examctl\.yaml:6:5 environments\.staging\.protcted: unknown key \(did you mean "protected"\?/,
      ),
    ]);
  });

  test('of several unknown keys in one mapping each is named with its own neighbour', () => {
    const [first, second] = problemsWith('thresholds: { p95: 1, db_poll: 0.5 }');
    expect(first).toContain('6:19 environments.staging.thresholds.p95: unknown key (did you mean "p95_ms"?');
    expect(second).toContain(
      '6:27 environments.staging.thresholds.db_poll: unknown key (did you mean "db_pool"?',
    );
  });

  test.each([
    ['platform', 'exam-platfrom', 'exam-platform'],
    ['driver', '{ kind: kubernets, namespace: x }', 'kubernetes'],
    ['exam_mode', '{ mechanisms: [system-flg] }', 'system-flag'],
  ])('an unknown value of %s names the nearest known one', (key, value, nearest) => {
    const problems = problemsOf(`environments:\n  a:\n    ${key}: ${value}\n`);
    expect(problems.join('\n')).toContain(`did you mean "${nearest}"?`);
  });

  test('a replica is no database of its own, and holds no password in clear', () => {
    expect(problemsWith('database: { replica: postgres://app@replica/exams }')).toEqual([
      expect.stringContaining('environments.staging.database: has neither "url" nor "via: driver"'),
    ]);
    expect(
      problemsWith(
        'database: { url: postgres://app@db/exams, replica: postgres://app:secret@replica/exams }',
      ),
    ).toEqual([expect.stringMatching(/environments\.staging\.database\.replica: holds a password in clear/)]);
  });

  test('an unknown platform lists those that are known', () => {
    expect(problemsOf('environments: { a: { platform: moodle, driver: { kind: sandbox } } }')).toEqual([
      'examctl.yaml:1:32 environments.a.platform: unknown value "moodle" (known: exam-platform)',
    ]);
  });

  test('a share above one is explained as a percentage', () => {
    expect(problemsWith('thresholds: { error_rate: 5 }')).toEqual([
      'examctl.yaml:6:31 environments.staging.thresholds.error_rate: must be at most 1, and is 5 (a share: 5 % is written 0.05)',
    ]);
  });

  test.each([
    'error_rate: -0.1',
    'error_rate: 1.01',
    'db_pool: 80',
    'p95_ms: 0',
    'p95_ms: "500"',
    'p95_ms: .inf',
  ])('the threshold %s is refused', (threshold) => {
    expect(problemsWith(`thresholds: { ${threshold} }`)).toHaveLength(1);
  });

  test('yes is text in YAML, not true', () => {
    expect(problemsWith('protected: yes')).toEqual([
      'examctl.yaml:6:16 environments.staging.protected: must be true or false, and is text',
    ]);
  });

  test('a key without a value is called empty', () => {
    expect(problemsWith('services:')).toEqual([
      'examctl.yaml:6:14 environments.staging.services: must be a mapping of keys, and is empty',
    ]);
  });

  test('a missing key points at where it belongs', () => {
    expect(
      problemsOf('environments:\n  a:\n    platform: exam-platform\n    driver: { kind: compose }\n'),
    ).toContain('examctl.yaml:4:5 environments.a.driver.file: is missing (it is text)');
  });

  test('a duration that is none says how to write one', () => {
    const identities = (lifetime: string) =>
      `identities: { signing_key: "\${env:KEY}", email_domain: load.example.com, lifetime: ${lifetime} }`;
    expect(problemsWith(identities('4 hours'))).toEqual([
      expect.stringMatching(/lifetime: "4 hours" is not a duration such as 90s, 5m or 1h30m/),
    ]);
    expect(problemsWith(identities('"90"'))).toEqual([expect.stringContaining('(write 90s or 90m)')]);
    expect(problemsWith(identities('90m'))).toEqual([]);
  });

  test('an environment name that would not do as a folder name is refused', () => {
    expect(problemsOf(`environments:\n  "../prod":${sound}\n`)).toEqual([
      expect.stringMatching(
        /^examctl\.yaml:2:3 environments\["\.\.\/prod"\]: is not a name for an environment/,
      ),
    ]);
  });

  test('a mechanism is judged by its kind: text or mapping', () => {
    const problems = problemsWith(
      'exam_mode: { mechanisms: [system-flag, { env-file: .env, variabel: X }, 5] }',
    );
    expect(problems).toEqual([
      expect.stringContaining('mechanisms[1].variable: is missing'),
      expect.stringContaining('mechanisms[1].variabel: unknown key (did you mean "variable"?'),
      expect.stringContaining('mechanisms[2]: must be text or a mapping, and is a number'),
    ]);
  });

  test('a private key among the public ones is refused without repeating it', () => {
    const people = 'people:\n  - { name: a, roles: [], keys: ["-----BEGIN OPENSSH PRIVATE KEY-----b3Blbn"] }';
    const [problem, ...others] = problemsOf(`environments:\n  staging:${sound}\n${people}\n`);
    expect(others).toEqual([]);
    expect(problem).toContain('people[0].keys[0]: holds a private key');
    expect(problem).not.toContain('b3Blbn');
  });
});

describe('YAML itself', () => {
  test('a key that is written twice is named at the second place', () => {
    expect(problemsWith('protected: true\nprotected: false')).toEqual([
      'examctl.yaml:7:5 environments.staging.protected: the key is written twice (keep one of them)',
    ]);
  });

  test('a syntax error is the only problem told, and does not quote the line', () => {
    const problems = problemsOf('environments:\n  a: { platform: [\n  token: hunter2\n');
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expect(problem).toMatch(/^examctl\.yaml:\d+:\d+ /);
    expect(problems.join('\n')).not.toContain('hunter2');
    expect(problems.join('\n')).not.toContain('unknown key');
  });

  test.each([
    '*hunter2',
    '!hunter2',
    '}hunter2',
    '@hunter2',
    '"hunter2',
    '[hunter2',
    '%hunter2',
    '| hunter2',
  ])('an unquoted secret %s that YAML stumbles over is not repeated', (token) => {
    const problems = problemsWith(`cache: { url: ${token} }`).join('\n');
    expect(problems).toContain('examctl.yaml:');
    expect(problems).not.toContain('hunter2');
  });

  test('a reference without quotes in braces is told to take them, once', () => {
    expect(problemsWith('cache: { url: redis://a:${env:X}@db }')).toEqual([
      expect.stringMatching(
        /^examctl\.yaml:6:30 Unexpected .* \(put the value in quotes: "\$\{env:NAME\}"\)$/,
      ),
    ]);
    expect(problemsWith('cache:\n  url: ${env:X}')).toEqual([]);
  });

  test.each([
    ['', 'examctl.yaml:1:1 must be a mapping of keys, and is empty'],
    ['- a', 'examctl.yaml:1:1 must be a mapping of keys, and is a list'],
    [
      'environments: {}',
      'examctl.yaml:1:15 environments: has no environment (write one, or leave the key out to use the built-in sandbox)',
    ],
  ])('the file "%s" is refused', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  test('two documents in one file are refused', () => {
    expect(problemsOf(`environments:\n  a:${sound}\n---\nenvironments: {}\n`)).not.toEqual([]);
  });

  test('problems behind an alias are found where it is anchored', () => {
    const text = `environments:\n  a:${sound}\n    thresholds: &t { error_rate: 2 }\n  b:${sound}\n    thresholds: *t\n`;
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^examctl\.yaml:6:34 environments\.a\.thresholds\.error_rate/),
      expect.stringMatching(/^examctl\.yaml:6:34 environments\.b\.thresholds\.error_rate/),
    ]);
  });

  test('aliases that multiply without end are refused', () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) => `l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(', ')}]`,
    );
    expect(problemsOf(['l0: &l0 [x]', ...levels].join('\n'))).toEqual([
      expect.stringMatching(/^examctl\.yaml:1:1 .*alias/i),
    ]);
  });
});

describe('relations between keys', () => {
  test('an unknown parent names the nearest environment', () => {
    expect(problemsOf(`environments:\n  staging:${sound}\n  prod: { extends: stagin }\n`)).toEqual([
      'examctl.yaml:6:20 environments.prod.extends: unknown environment "stagin" (did you mean "staging"? known: staging)',
    ]);
  });

  test('a circle of parents is named once, whole', () => {
    expect(
      problemsOf('environments:\n  a: { extends: b }\n  b: { extends: c }\n  c: { extends: a }\n'),
    ).toEqual([
      'examctl.yaml:2:17 environments.a.extends: extends itself: a -> b -> c -> a (let one of them stand on its own)',
    ]);
  });

  test('an environment may not extend itself', () => {
    expect(problemsOf('environments:\n  a: { extends: a }\n')).toEqual([
      expect.stringContaining('extends itself: a -> a'),
    ]);
  });

  test('a child of a circle does not hide it', () => {
    const problems = problemsOf(
      'environments:\n  x: { extends: a }\n  a: { extends: b }\n  b: { extends: a }\n',
    );
    expect(problems).toEqual([expect.stringContaining('extends itself: a -> b -> a')]);
  });

  test('an environment without platform or driver misses them', () => {
    expect(
      problemsOf(
        'environments:\n  a: { driver: { kind: kubernetes, namespace: x } }\n  b: { platform: exam-platform }\n',
      ),
    ).toEqual([
      expect.stringContaining('2:3 environments.a.platform: is missing'),
      expect.stringContaining('3:3 environments.b.driver: is missing'),
    ]);
  });

  test('the sandbox takes no addresses', () => {
    const text =
      'environments:\n  a:\n    platform: exam-platform\n    driver: { kind: sandbox }\n    api: { url: http://127.0.0.1:1 }\n';
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(
        /^examctl\.yaml:5:5 environments\.a\.api: has no effect: the sandbox knows its own/,
      ),
    ]);
  });

  test.each([
    ['database: { url: "${env:D}", via: driver }', 'has both "url" and "via: driver"'],
    ['cache: {}', 'has neither "url" nor "via: driver"'],
    ['identities: {}', 'has neither "file" nor "signing_key"'],
    ['identities: { file: a.csv, signing_key: "${env:K}" }', 'has both "file" and "signing_key"'],
    ['identities: { signing_key: "${env:K}" }', 'identities.email_domain: is missing'],
    ['exam_mode: { mechanisms: [{ variable: EXAM_MODE }] }', 'mechanisms[0].env-file: is missing'],
  ])('%s is a contradiction', (line, problem) => {
    expect(problemsWith(line)).toEqual([expect.stringContaining(problem)]);
  });

  test('what a parent has wrong is told once, where it is written', () => {
    const text = `environments:\n  a:${sound}\n    cache: {}\n  b: { extends: a }\n  c: { extends: b }\n`;
    expect(problemsOf(text)).toEqual([expect.stringMatching(/^examctl\.yaml:6:5 environments\.a\.cache/)]);
  });

  test('a person who is listed twice is named', () => {
    const people = 'people:\n  - { name: a, roles: [x] }\n  - { name: a, roles: [y] }\n';
    expect(problemsOf(`environments:\n  staging:${sound}\n${people}`)).toEqual([
      'examctl.yaml:8:13 people[1].name: "a" is listed twice (join the entries)',
    ]);
  });

  test('a malformed part hides no contradiction elsewhere, and is not called missing', () => {
    const text = `environments:
  staging:
    platform: nonsense
    driver: { kind: compose }
    api: { url: https://api.example.com }
    database: {}
  prod:
    extends: stagin
  other: { extends: staging }
tresholds: {}
people: [{ name: 5 }]
`;
    expect(problemsOf(text).map((problem) => problem.split(': ').slice(0, 2).join(': '))).toEqual([
      'examctl.yaml:3:15 environments.staging.platform: unknown value "nonsense" (known',
      'examctl.yaml:4:5 environments.staging.driver.file: is missing (it is text)',
      'examctl.yaml:6:5 environments.staging.database: has neither "url" nor "via',
      'examctl.yaml:8:14 environments.prod.extends: unknown environment "stagin" (did you mean "staging"? known',
      'examctl.yaml:10:1 tresholds: unknown key (did you mean "thresholds"? known',
      'examctl.yaml:11:10 people[0].roles: is missing (it is a list)',
      'examctl.yaml:11:18 people[0].name: must be text, and is a number (put it in quotes)',
    ]);
  });
});

describe('secrets in the file', () => {
  test.each([
    ['api: { url: "https://user:hunter2@api.example.com" }'],
    ['api: { url: https://api.example.com, token: hunter2 }'],
    ['api: { url: https://api.example.com, admin_token: "Bearer hunter2" }'],
    ['database: { url: "postgres://app:hunter2@db/exams" }'],
    ['database: { url: "postgresql://db/exams?user=app&password=hunter2" }'],
    ['cache: { url: "redis://:hunter2@cache:6379" }'],
    ['identities: { signing_key: hunter2, email_domain: load.example.com }'],
  ])('%s is refused without repeating the secret', (line) => {
    const text = `environments:\n  a:\n    platform: exam-platform\n    driver: { kind: compose, file: c.yml }\n    ${line}\n`;
    const problems = problemsOf(text).join('\n');
    expect(problems).toMatch(/holds a (secret|password) in clear \(use \$\{env:NAME\} or \$\{file:path\}\)/);
    expect(problems).not.toContain('hunter2');
  });

  test.each([
    'database: { url: "${env:DATABASE_URL}" }',
    'database: { url: "postgres://app:${env:PASSWORD}@db:5432/exams" }',
    'database: { url: "postgres://app:${file:/run/secrets/db}@${env:HOST}:${env:PORT}/exams" }',
    'database: { url: "postgres://app@db/exams" }',
    'cache: { url: "rediss://cache:6379/0" }',
  ])('%s is accepted', (line) => {
    expect(problemsWith(line)).toEqual([]);
  });

  test.each(['${PASSWORD}', '${env}', '${env:}', '${env:NOT-A-NAME}', '${vault:hunter2}', '${env:UNCLOSED'])(
    'the reference %s is not understood, and not shown beyond its kind',
    (reference) => {
      const problems = problemsWith(`database: { url: "postgres://app:${reference}@db/exams" }`).join('\n');
      expect(problems).toContain('has a reference that is not understood');
      expect(problems).not.toContain('hunter2');
    },
  );

  test.each([
    ['api', 'ftp://api.example.com'],
    ['api', 'localhost:8000'],
    ['database', 'mysql://db/exams'],
    ['cache', 'http://cache'],
    ['cache', 'cache:6379'],
  ])('the address %s.url %s is refused', (key, url) => {
    const text = `environments:\n  a:\n    platform: exam-platform\n    driver: { kind: compose, file: c.yml }\n    ${key}: { url: "${url}" }\n`;
    expect(problemsOf(text).join('\n')).toMatch(/is not a .* address|is not a URL/);
  });

  test('a reference in a plain setting is refused, as it would be taken literally', () => {
    expect(
      problemsOf(
        'environments:\n  a: { platform: exam-platform, driver: { kind: kubernetes, namespace: "${env:NS}" } }\n',
      ).join(),
    ).toContain('driver.namespace: cannot hold a reference');
  });
});
