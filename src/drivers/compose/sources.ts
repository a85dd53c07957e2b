import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import type { ComposeSources } from '../../adapters/docker/compose-cli.ts';
import { readText } from '../../adapters/files.ts';
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
  if (!files.includes(resolve(file))) return { files: [file], envFile: join(dirname(file), '.env') };
  // compose reads several of them from 2.24 on; the last one wins
  const envFile = noted[labels.envFile]?.split(',').at(-1);
  return { files, envFile: envFile ? resolve(folder, envFile) : join(folder, '.env') };
}

/** Equal as long as none of the files is changed. */
export function digestOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of [...new Set(files)].sort()) hash.update(`${file}\0${readText(file) ?? ''}\0`);
  return hash.digest('hex');
}
