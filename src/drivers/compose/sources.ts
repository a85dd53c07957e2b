import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ComposeSources } from '../../adapters/docker/compose-cli.ts';
import { readText } from '../../adapters/files.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import { type ContainerInstance, labels } from './instances.ts';

/**
 * As compose noted them when it made the container: made anew without an override file, or with another env file, it
 * would be another one. What was made elsewhere, so that the configured file is not among them, is made as configured.
 */
export function sourcesOf(instance: ContainerInstance | undefined, file: string): ComposeSources {
  const noted = instance?.container.Config.Labels ?? {};
  const folder = noted[labels.folder] ?? dirname(file);
  const files = (noted[labels.files] ?? '')
    .split(',')
    .filter((one) => one !== '')
    .map((one) => resolve(folder, one));
  if (!files.includes(resolve(file))) return { files: [file], envFiles: [join(dirname(file), '.env')] };
  const envFiles = (noted[labels.envFile] ?? '').split(',').filter((one) => one !== '');
  if (envFiles.length === 0) return { files, envFiles: [join(folder, '.env')] };
  const found = envFiles.map((one) => resolve(folder, one));
  const missing = found.find((one) => !existsSync(one));
  if (missing === undefined) return { files, envFiles: found };
  // before anything is changed: compose would refuse the change, and its way back as well
  throw new Undetermined(`the project was started with the env file ${missing}, which is not there`, {
    hint: 'put it back; or start the project once more with --env-file and an absolute path',
  });
}

/** Equal as long as none of the files is changed. */
export function digestOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of [...new Set(files)].sort()) hash.update(`${file}\0${readText(file) ?? ''}\0`);
  return hash.digest('hex');
}
