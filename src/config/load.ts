import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { ConfigError, messageOf } from '../lifecycle/errors.ts';
import { builtInSandbox } from './defaults.ts';
import { findConfigFile } from './find-config-file.ts';
import { formatProblem } from './problem.ts';
import type { ReadResult } from './read-config.ts';
import type { Config, Variables } from './settings.ts';

export { selectEnvironment } from './select-environment.ts';

export interface ConfigSource {
  readonly cwd: string;
  /** as given by --config; else examctl.yaml is looked for upwards from cwd */
  readonly file?: string | undefined;
  readonly env: Variables;
}

const withoutFile: Config = {
  file: undefined,
  environments: [builtInSandbox()],
  people: [],
  contacts: [],
  checksFolder: undefined,
  checkThresholds: [],
  baselineFile: undefined,
  warnings: [],
};

/** Throws ConfigError with every problem, one a line. */
export async function loadConfig(source: ConfigSource): Promise<Config> {
  const { config, problems } = await readConfig(source);
  if (config !== undefined) return config;
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  throw new ConfigError(
    [`the configuration has ${count}:`, ...problems.map((problem) => formatProblem(problem))].join('\n'),
    { hint: 'correct the file, then: examctl config check' },
  );
}

/** The same as a result, for who wants to see the problems. Throws only when the file cannot be read at all. */
export async function readConfig({ cwd, file, env }: ConfigSource): Promise<ReadResult> {
  const path = file === undefined ? await findConfigFile(cwd) : resolve(cwd, file);
  // Nothing to parse: yaml and zod would cost more start-up time than the rest of the command.
  if (path === undefined) return { config: withoutFile, problems: [] };
  const text = await readText(path);
  const { readConfigText } = await import('./read-config.ts');
  return readConfigText({ text, file: path, shownAs: relative(cwd, path), env });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`the configuration file ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'give an existing file with --config, or leave --config out',
      cause: error,
    });
  }
}

/** JSON Schema of examctl.yaml, for editors. */
export async function configJsonSchema(): Promise<Record<string, unknown>> {
  const { jsonSchema } = await import('./schema.ts');
  return jsonSchema();
}
