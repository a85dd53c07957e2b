import { existsSync } from 'node:fs';
import type { ComposeSources } from '../../adapters/docker/compose-cli.ts';
import {
  notOwn,
  servicesWith,
  setWrittenImage,
  type WrittenImage,
  writtenImage,
} from '../../adapters/docker/compose-file.ts';
import { imageText } from '../../adapters/docker/image-text.ts';
import { type Images, splitReference } from '../../adapters/docker/images.ts';
import { readFromEnvFile, setInEnvFile } from '../../adapters/env-file.ts';
import type { ImageSetting, Service, ServiceImage, ServiceImages } from '../../lifecycle/environment.ts';
import { Refused, Undetermined } from '../../lifecycle/errors.ts';
import { type ContainerInstance, serviceName } from './instances.ts';

export interface ComposeImagesOptions {
  readonly images: Images;
  readonly of: (service: Service) => Promise<ContainerInstance[]>;
  /** as the compose file calls it, also where it has no container */
  readonly nameOf: (service: Service) => Promise<string>;
  readonly sourcesOf: (instance: ContainerInstance) => ComposeSources;
  /** variables of the process, which compose prefers to those of its file */
  readonly env: NodeJS.ProcessEnv;
  readonly recreate: (service: Service, signal: AbortSignal) => Promise<void>;
}

/**
 * The tag is changed where it is written, as a person would do it: in the project's env file where the image reads
 * name:${VARIABLE}, in the compose file itself where the tag is spelled out. An override file of examctl's own would leave
 * both as they are, and the next `docker compose up` of anybody would silently bring back what was rolled back.
 */
export function composeImages({
  images,
  of,
  nameOf,
  sourcesOf,
  env,
  recreate,
}: ComposeImagesOptions): ServiceImages {
  return {
    look: async (service) => {
      const [first] = await of(service);
      if (first === undefined) throw new Undetermined(`${service} has no container`);
      return lookAt(first, sourcesOf(first), { images, env });
    },
    idOf: async (reference) => (await images.find(reference))?.id,
    async deploy(service, { file, variable, text }, signal) {
      if (variable !== null) setInEnvFile(file, variable, text ?? undefined);
      else if (text !== null) await setWrittenImage(file, await nameOf(service), text);
      await recreate(service, signal);
    },
  };
}

async function lookAt(
  instance: ContainerInstance,
  { files, envFiles }: ComposeSources,
  { images, env }: Pick<ComposeImagesOptions, 'images' | 'env'>,
): Promise<ServiceImage> {
  const { container, service } = instance;
  const { repository } = splitReference(container.Config.Image);
  const name = serviceName(instance);
  const { file, text, isOwn } = await lastImage(files, name);
  const image = imageText(text);
  const { variable } = image;
  if (variable === null && !isOwn) throw notOwn(file, name);
  // of several, the last one that has the variable counts
  const envFile =
    envFiles.findLast(
      (one) => variable !== null && existsSync(one) && readFromEnvFile(one, variable) !== undefined,
    ) ??
    envFiles.at(-1) ??
    '';
  if (variable !== null) requireSettable(variable, { envFile, env, service });
  const sharing = variable === null ? [] : await Promise.all(files.map((one) => servicesWith(one, variable)));
  const setting =
    variable === null
      ? { file, variable, text }
      : { file: envFile, variable, text: readFromEnvFile(envFile, variable) ?? null };
  return {
    reference: container.Config.Image,
    id: container.Image,
    repository,
    others: (await images.of(repository)).flatMap(({ references, id, createdAt }) =>
      references.map((reference) => ({ tag: splitReference(reference).tag, id, createdAt })),
    ),
    setting,
    settingFor: (tag): ImageSetting => ({ ...setting, text: image.with({ repository, tag }) }),
    sharedWith: [...new Set(sharing.flat())].filter((one) => one !== name).sort(),
  };
}

/** Of several compose files, the last one counts. */
async function lastImage(
  files: readonly string[],
  service: string,
): Promise<WrittenImage & { file: string }> {
  for (const file of files.toReversed()) {
    const image = await writtenImage(file, service);
    if (image !== undefined) return { file, ...image };
  }
  throw new Undetermined(`${files.join(', ')} gives ${service} no image: it is built where it runs`, {
    hint: `give it one, as image: ${service}:\${TAG}, and tag what is built`,
  });
}

function requireSettable(
  variable: string,
  { envFile, env, service }: { envFile: string; env: NodeJS.ProcessEnv; service: Service },
): void {
  if (env[variable] !== undefined) {
    throw new Refused(`the image of ${service} is decided by ${variable} of this shell, not by ${envFile}`, {
      hint: `unset ${variable}`,
    });
  }
  if (!existsSync(envFile)) {
    throw new Undetermined(`there is no file that could set ${variable} of ${service}`, {
      hint: `touch ${envFile}`,
    });
  }
}
