// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how references are written
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configCommand, runConfigCheck, runConfigSchema } from '../../src/commands/config.ts';
import { envCommand, runEnvList, runEnvShow } from '../../src/commands/env.ts';
import type { CheckSettings } from '../../src/config/settings.ts';
import { UsageError } from '../../src/lifecycle/errors.ts';
import { checkSettingsProblems } from '../../src/main/catalogue.ts';
import { renderReport } from '../../src/report/render.ts';
import type { OutputFormat, Report } from '../../src/report/report.ts';

const valid = `environments:
  staging:
    platform: exam-platform
    driver: { kind: compose, file: compose.yml }
    api: { url: "https://ops:\${env:BASIC}@api.example.com", token: "\${env:TOKEN}" }
  prod: { extends: staging, protected: true, api: { url: https://api.example.com } }
`;

const problemsOfChecks = (cwd: string) => (settings: CheckSettings) => checkSettingsProblems(settings, cwd);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'examctl-commands-'));
  await writeFile(join(folder, 'examctl.yaml'), valid);
  await writeFile(join(folder, 'broken.yaml'), 'environments:\n  a: { platfrom: x }\n');
});
afterAll(() => rm(folder, { recursive: true }));

function contextWith({
  file,
  env = {},
  cwd = folder,
}: {
  file?: string;
  env?: Record<string, string>;
  cwd?: string;
} = {}) {
  const reports: Report[] = [];
  const report = async (one: Report) => void reports.push(one);
  const text = (format: OutputFormat) =>
    Promise.all(
      reports.map((one) => renderReport(one, { format, colour: false, width: 200, terminal: false })),
    );
  return {
    context: { cwd, env, file, report, options: {}, checkSettingsProblems: problemsOfChecks(cwd) },
    reports,
    text: async (format: OutputFormat) => (await text(format)).join(''),
  };
}

describe('config check', () => {
  test('a valid file is a pass and exit code 0', async () => {
    const { context, reports, text } = contextWith();
    await runConfigCheck({}, context);
    expect(reports[0]).toMatchObject({ exitCode: 0, data: { valid: true, problems: [] } });
    expect(await text('table')).toContain(
      `valid: ${join(folder, 'examctl.yaml')} with environments staging, prod`,
    );
    expect(await text('junit')).toContain('failures="0"');
  });

  test('every problem is printed as file:line:column, and the exit code is 2', async () => {
    const { context, reports, text } = contextWith({ file: 'broken.yaml' });
    await runConfigCheck({}, context);
    expect(reports[0]).toMatchObject({
      exitCode: 2,
      data: { valid: false, file: join(folder, 'broken.yaml') },
    });
    const lines = (await text('table')).trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^broken\.yaml:2:3 environments\.a\.platform: is missing/),
      expect.stringMatching(/^broken\.yaml:2:3 environments\.a\.driver: is missing/),
      expect.stringMatching(/^broken\.yaml:2:8 environments\.a\.platfrom: unknown key/),
      '3 problems; nothing was done',
    ]);
    expect(await text('junit')).toContain('tests="3" failures="3"');
    expect(JSON.parse(await text('json')).problems).toHaveLength(3);
  });

  const lastLines = async (file: string, text: string) => {
    await writeFile(join(folder, file), text);
    const { context, reports, text: printed } = contextWith({ file });
    await runConfigCheck({}, context);
    return { lines: (await printed('table')).trimEnd().split('\n'), report: reports[0], printed };
  };

  test('limits that cannot have an effect and a folder that is not there are told, with all else', async () => {
    const { lines, report, printed } = await lastLines(
      'limits.yaml',
      [
        'environments: { a: { platfrom: x } }',
        'checks:',
        '  folder: nowhere',
        '  thresholds:',
        '    nosuch: { fail: 2 }',
        '    constraints-valid: { fail: 1% }',
        '    count-sessions: { fail: 1 }',
        '    lost-answers: { fail: 1% }',
      ].join('\n'),
    );
    expect(report).toMatchObject({ exitCode: 2, data: { valid: false } });
    expect(lines).toEqual([
      expect.stringMatching(/^limits\.yaml:1:17 environments\.a\.platform: is missing/),
      expect.stringMatching(/^limits\.yaml:1:17 environments\.a\.driver: is missing/),
      expect.stringMatching(/^limits\.yaml:1:22 environments\.a\.platfrom: unknown key/),
      expect.stringMatching(/^limits\.yaml:3:11 checks\.folder: nowhere does not exist \(make it/),
      expect.stringMatching(/^limits\.yaml:5:5 checks\.thresholds\.nosuch: there is no such check \(examctl/),
      expect.stringMatching(/^limits\.yaml:6:5 checks\.thresholds\.constraints-valid: .* no share of it/),
      expect.stringMatching(/^limits\.yaml:7:5 checks\.thresholds\.count-sessions: the check only counts/),
      '7 problems; nothing was done',
    ]);
    expect(await printed('github')).toContain('::error file=limits.yaml,line=3,col=11,title=missing-folder');
  });

  test('the id of a packaged check in the own folder is told', async () => {
    await mkdir(join(folder, 'own'));
    await writeFile(join(folder, 'own/lost-answers.sql'), '-- id: lost-answers\nSELECT 1\n');
    const { lines } = await lastLines('doubled.yaml', 'checks: { folder: own }\n');
    expect(lines).toEqual([
      expect.stringMatching(
        /^doubled\.yaml:1:19 checks\.folder: own\/lost-answers\.sql:1 id: "lost-answers" is the id of .* too \(give/,
      ),
      '1 problem; nothing was done',
    ]);
  });

  test('a file without environments has the built-in sandbox', async () => {
    const { lines } = await lastLines(
      'sandbox-only.yaml',
      'checks: { thresholds: { lost-answers: { fail: 1% } } }\n',
    );
    expect(lines).toEqual([`valid: ${join(folder, 'sandbox-only.yaml')} with the built-in sandbox`]);
  });

  test('no file is no pass', async () => {
    const { context } = contextWith({ cwd: '/' });
    await expect(runConfigCheck({}, context)).rejects.toThrow(UsageError);
  });
});

describe('config schema', () => {
  test('is a JSON Schema on stdout that knows the keys and refuses others', async () => {
    const { context, text } = contextWith();
    await runConfigSchema({}, context);
    const schema = JSON.parse(await text('table'));
    expect(schema.$schema).toMatch(/json-schema\.org/);
    expect(schema.additionalProperties).toBe(false);
    const environment = schema.properties.environments.additionalProperties;
    expect(environment.properties.platform.enum).toContain('exam-platform');
    expect(environment.properties.driver.oneOf).toHaveLength(5);
  });
});

describe('env list', () => {
  test('shows each environment, protected or not, and marks the default', async () => {
    const { context, text } = contextWith({ env: { EXAMCTL_ENV: 'prod' } });
    await runEnvList({}, context);
    expect(await text('table')).toBe(
      'name\tplatform\tdriver\tprotected\tdefault\tfrom\n' +
        'staging\texam-platform\tcompose\tfalse\t\texamctl.yaml\n' +
        'prod\texam-platform\tcompose\ttrue\t*\texamctl.yaml\n' +
        'sandbox\texam-platform\tsandbox\tfalse\t\tbuilt in\n',
    );
  });

  test('without a file the sandbox is the default', async () => {
    const { context, reports } = contextWith({ cwd: '/' });
    await runEnvList({}, context);
    expect(reports[0]?.data).toMatchObject({
      file: null,
      environments: [{ name: 'sandbox', default: true }],
    });
  });

  test('says when EXAMCTL_ENV names none of them', async () => {
    const { context, text } = contextWith({ env: { EXAMCTL_ENV: 'prodd' } });
    await runEnvList({}, context);
    expect(await text('table')).toContain('EXAMCTL_ENV is prodd, which is none of these');
  });
});

describe('env show', () => {
  test('shows what is in force and where it was written', async () => {
    const { context, text } = contextWith();
    await runEnvShow({ name: 'prod' }, context);
    const table = await text('table');
    expect(table).toContain('protected\ttrue\texamctl.yaml:6:40\n');
    expect(table).toContain('api.url\thttps://api.example.com\texamctl.yaml:6:58\n');
    expect(table).toContain('driver.kind\tcompose\texamctl.yaml:4:21 (staging)\n');
    expect(table).toContain('thresholds.p95_ms\t500\tdefault\n');
  });

  test.each(['table', 'json', 'yaml', 'ndjson', 'markdown', 'junit'] as const)(
    'masks secrets in %s, whether they are set or not',
    async (format) => {
      const { context, text } = contextWith({ env: { TOKEN: 'hunter2', BASIC: 'hunter3' } });
      await runEnvShow({ name: 'staging' }, context);
      const shown = await text(format);
      expect(shown).not.toMatch(/hunter/);
      if (format !== 'junit')
        expect(shown.replaceAll('\\', '')).toContain('https://ops:***@api.example.com, from ${env:BASIC}');
    },
  );

  test('takes --env when no name is given', async () => {
    const { context, reports } = contextWith();
    await runEnvShow({}, { ...context, options: { env: 'prod' } });
    expect(reports[0]?.data).toMatchObject({ name: 'prod' });
  });

  test('shows every kind of driver', async () => {
    const cwd = join(folder, 'drivers');
    await mkdir(cwd);
    const environment = (name: string, driver: string) =>
      `  ${name}: { platform: exam-platform, driver: ${driver}, api: { url: https://x.example.com } }\n`;
    await writeFile(
      join(cwd, 'examctl.yaml'),
      `environments:\n${environment('k', '{ kind: kubernetes, namespace: exams }')}${environment('r', '{ kind: railway, project: p, environment: e, token: "${env:T}" }')}`,
    );
    const { context, text } = contextWith({ cwd });
    await runEnvShow({ name: 'k' }, context);
    await runEnvShow({ name: 'r' }, context);
    expect(await text('table')).toContain('driver.namespace\texams\t');
    expect(await text('table')).toContain('driver.token\t***, from ${env:T}\t');
  });

  test('shows the replica that checks read from, without its password', async () => {
    const cwd = join(folder, 'replica');
    await mkdir(cwd);
    await writeFile(
      join(cwd, 'examctl.yaml'),
      `environments:
  staging:
    platform: exam-platform
    driver: { kind: compose, file: compose.yml }
    api: { url: https://x.example.com }
    database: { url: "postgres://app@db/exams", replica: "postgres://app:\${env:PASSWORD}@replica/exams" }
`,
    );
    const { context, text } = contextWith({ cwd, env: { PASSWORD: 'hunter2' } });
    await runEnvShow({ name: 'staging' }, context);
    expect(await text('table')).toContain(
      'database.replica\tpostgres://app:***@replica/exams, from ${env:PASSWORD}\texamctl.yaml:6:',
    );
  });
});

describe('the command tree', () => {
  test.each([
    [['config', 'check'], 'config.check'],
    [['config', 'schema'], 'config.schema'],
    [['env', 'list'], 'env.list'],
    [['env', 'show', 'prod'], 'env.show'],
  ])('%s reports %s', async ([name, ...args], kind) => {
    const { context, reports } = contextWith();
    const command = name === 'config' ? configCommand(context) : envCommand(context);
    await command.parseAsync(args, { from: 'user' });
    expect(reports.map((report) => report.kind)).toEqual([kind]);
  });

  test('every subcommand has a description and an example', () => {
    const { context } = contextWith();
    const subcommands = [configCommand(context), envCommand(context)].flatMap(({ commands }) => commands);
    expect(subcommands).toHaveLength(4);
    for (const command of subcommands) {
      let help = '';
      command.configureOutput({
        writeOut: (text) => {
          help += text;
        },
      });
      command.outputHelp();
      expect(help).toContain('$ examctl ');
      expect(command.description()).not.toBe('');
    }
  });
});
