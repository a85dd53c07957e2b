import { dirname, join } from 'node:path';
import { composeCli } from '../../adapters/docker/compose-cli.ts';
import { containerStats } from '../../adapters/docker/container-stats.ts';
import { containersOf } from '../../adapters/docker/containers.ts';
import { withEngineOfContext } from '../../adapters/docker/docker-context.ts';
import { dockerEngine } from '../../adapters/docker/engine.ts';
import { imagesOf } from '../../adapters/docker/images.ts';
import { projectName } from '../../adapters/docker/project-name.ts';
import type { Helpers } from '../../lifecycle/disturbance.ts';
import type { Driver, ExamModeMechanism } from '../../lifecycle/environment.ts';
import { composeDriver } from './driver.ts';
import type { ServiceNames } from './instances.ts';

export interface ComposeEnvironment {
  readonly file: string;
  readonly project: string | undefined;
  readonly services: ServiceNames;
  readonly examMode: readonly ExamModeMechanism[];
  readonly env: NodeJS.ProcessEnv;
  readonly helpers: Helpers;
  /** keys of the platform's background jobs */
  readonly jobKeys: readonly string[];
}

/** Nothing is asked of the engine, and no file read, before the driver is first used. */
export function openCompose(environment: ComposeEnvironment): Driver {
  const { file, project, services, examMode, env, helpers, jobKeys } = environment;
  let named: NodeJS.ProcessEnv | undefined;
  // engine and compose are the same, whoever is asked
  const engineEnvironment = () => {
    named ??= withEngineOfContext(env);
    return named;
  };
  const engine = dockerEngine(engineEnvironment);
  const mechanisms = examMode.filter((mechanism) => mechanism.kind === 'env-file');
  return composeDriver({
    containers: containersOf(engine),
    stats: containerStats(engine),
    cli: composeCli({ project, env: engineEnvironment }),
    images: imagesOf(engine),
    file,
    env,
    project: async () => project ?? projectName(file, env),
    services,
    envFileOf: (service, name) =>
      mechanisms.find((mechanism) => mechanism.service === service && mechanism.variable === name)?.file,
    envFiles: [
      ...new Set([join(dirname(file), '.env'), ...mechanisms.flatMap((mechanism) => mechanism.file ?? [])]),
    ],
    helpers,
    jobKeys,
  });
}
