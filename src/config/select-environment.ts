import { UsageError } from '../lifecycle/errors.ts';
import { nearest } from '../lifecycle/nearest.ts';
import type { Config, EnvironmentConfig, Variables } from './settings.ts';

interface Selection {
  /** --env */
  readonly name?: string | undefined;
  readonly env: Variables;
}

/** --env, else EXAMCTL_ENV, else the only one that is configured. */
export function selectEnvironment(config: Config, { name, env }: Selection): EnvironmentConfig {
  const wanted = name ?? defaultEnvironmentName(config, env);
  const known = config.environments.map((environment) => environment.name);
  if (wanted === undefined) {
    throw new UsageError(`which environment? ${config.file} has several: ${known.join(', ')}`, {
      hint: `choose one with --env ${known[0]}, or export EXAMCTL_ENV=${known[0]}`,
    });
  }
  const found = config.environments.find((environment) => environment.name === wanted);
  if (found !== undefined) return found;
  const source = name === undefined ? ' (from EXAMCTL_ENV)' : '';
  const meant = nearest(wanted, known);
  throw new UsageError(`there is no environment "${wanted}"${source}; known: ${known.join(', ')}`, {
    hint: meant === undefined ? `choose one of: ${known.join(', ')}` : `did you mean --env ${meant}?`,
  });
}

/** Used without --env; undefined when there are several to choose from. May name one that does not exist. */
export function defaultEnvironmentName(config: Config, env: Variables): string | undefined {
  if (env.EXAMCTL_ENV) return env.EXAMCTL_ENV;
  const configured = config.environments.filter(({ builtIn }) => !builtIn);
  const [first, second] = configured.length === 0 ? config.environments : configured;
  return second === undefined ? first?.name : undefined;
}
