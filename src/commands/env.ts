import { relative } from 'node:path';
import { Command } from 'commander';
import { describeEnvironment } from '../config/describe-environment.ts';
import { loadConfig } from '../config/load.ts';
import { defaultEnvironmentName, selectEnvironment } from '../config/select-environment.ts';
import type { ConfigSourceContext } from './config.ts';
import type { Context } from './context.ts';

type EnvContext = Pick<Context, 'report'> &
  ConfigSourceContext & { options: Pick<Context['options'], 'env'> };

export function envCommand(context: EnvContext) {
  const command = new Command('env')
    .description('show which environments there are and what holds in them')
    .addHelpText('after', '\nExamples:\n  examctl env list\n  examctl env show prod');
  command
    .command('list')
    .description('list the environments that can be operated')
    .addHelpText('after', '\nExamples:\n  $ examctl env list\n  $ examctl env list -o json')
    .action(() => runEnvList({}, context));
  command
    .command('show')
    .description(
      'show every setting in force in one environment, and where it was written; secrets are masked',
    )
    .argument('[name]', 'the environment; else that of --env')
    .addHelpText('after', '\nExamples:\n  $ examctl env show\n  $ examctl env show prod -o yaml')
    .action((name: string | undefined) => runEnvShow({ name }, context));
  return command;
}

export async function runEnvList(_options: object, context: Omit<EnvContext, 'options'>) {
  const config = await loadConfig(context);
  const standard = defaultEnvironmentName(config, context.env);
  const environments = config.environments.map(({ name, platform, driver, builtIn, ...environment }) => ({
    name,
    platform,
    driver: driver.kind,
    protected: environment.protected,
    default: name === standard,
    builtIn,
  }));
  const isKnown = standard === undefined || environments.some(({ name }) => name === standard);
  await context.report({
    kind: 'env.list',
    data: { file: config.file ?? null, environments },
    rows: environments,
    blocks: [
      {
        type: 'table',
        columns: ['name', 'platform', 'driver', 'protected', 'default', 'from'].map((title) => ({ title })),
        rows: environments.map((one) => [
          one.name,
          one.platform,
          one.driver,
          one.protected,
          one.default ? '*' : '',
          one.builtIn || config.file === undefined ? 'built in' : relative(context.cwd, config.file),
        ]),
      },
      ...(isKnown
        ? []
        : [{ type: 'text', text: `EXAMCTL_ENV is ${standard}, which is none of these` } as const]),
    ],
  });
}

export async function runEnvShow({ name }: { name?: string | undefined }, context: EnvContext) {
  const config = await loadConfig(context);
  const environment = selectEnvironment(config, { name: name ?? context.options.env, env: context.env });
  const settings = describeEnvironment(environment);
  await context.report({
    kind: 'env.show',
    data: { name: environment.name, file: config.file ?? null, settings },
    rows: settings,
    blocks: [
      { type: 'heading', text: environment.name },
      {
        type: 'table',
        columns: ['setting', 'value', 'from'].map((title) => ({ title })),
        rows: settings.map(({ key, value, origin }) => [key, value, origin]),
      },
    ],
  });
}
