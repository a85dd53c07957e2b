import { composeCli } from '../../adapters/docker/compose-cli.ts';
import { containerStats } from '../../adapters/docker/container-stats.ts';
import { containersOf } from '../../adapters/docker/containers.ts';
import { dockerEngine } from '../../adapters/docker/engine.ts';
import { projectName } from '../../adapters/docker/project-name.ts';
import type { Driver, ExamModeMechanism } from '../../lifecycle/environment.ts';
import { composeDriver } from './driver.ts';
import type { ServiceNames } from './instances.ts';

export interface ComposeEnvironment {
  readonly file: string;
  readonly project: string | undefined;
  readonly services: ServiceNames;
  readonly examMode: readonly ExamModeMechanism[];
  readonly env: NodeJS.ProcessEnv;
}

/** Nothing is asked of the engine, and no file read, before the driver is first used. */
export function openCompose({ file, project, services, examMode, env }: ComposeEnvironment): Driver {
  const engine = dockerEngine(env);
  return composeDriver({
    containers: containersOf(engine),
    stats: containerStats(engine),
    cli: composeCli({ file, project, env }),
    project: async () => project ?? projectName(file, env),
    services,
    envFileOf: (service, name) =>
      examMode
        .filter((mechanism) => mechanism.kind === 'env-file')
        .find((mechanism) => mechanism.service === service && mechanism.variable === name)?.file,
  });
}
