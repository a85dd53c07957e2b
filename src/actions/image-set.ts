import type { ImageSetting, Service } from '../lifecycle/environment.ts';
import { Undetermined } from '../lifecycle/errors.ts';
import { type ActionPorts, defineAction } from './action.ts';

export type ImageSet = {
  readonly kind: 'image-set';
  readonly service: Service;
  /** "registry.example.com/backend:14" */
  readonly reference: string;
  /** what the reference named when this was planned: a tag may be given to another image */
  readonly id: string;
  readonly setting: { readonly [Key in keyof ImageSetting]: ImageSetting[Key] };
};

/** Deploys an image that is there already. */
export const imageSet = defineAction<ImageSet>({
  kind: 'image-set',
  describe: ({ service, reference }) => `make ${service} of the image ${reference}`,
  apply: async ({ service, reference, id, setting }, { environment }, signal) => {
    const images = imagesOf(environment);
    const found = await images.idOf(reference);
    if (found !== id) {
      throw new Undetermined(
        found === undefined
          ? `the image ${reference} is not there any more`
          : `${reference} names another image by now`,
        { hint: `docker tag ${id} ${reference}` },
      );
    }
    await images.deploy(service, setting, signal);
  },
  verify: async ({ service, reference, id }, { environment }) => {
    const record = { id: 'image-set', title: `${service} is made of ${reference}` };
    const seen = await imagesOf(environment).look(service);
    const instances = (await environment.driver.instances()).filter((one) => one.service === service);
    const ill = instances.filter(({ state }) => state !== 'running');
    if (seen.reference !== reference || seen.id !== id)
      return { ...record, outcome: 'fail', message: `it is made of ${seen.reference}, ${seen.id}` };
    if (ill.length > 0)
      return {
        ...record,
        outcome: 'fail',
        message: ill.map((one) => `${one.id} is ${one.state}`).join(', '),
      };
    return { ...record, outcome: 'pass', message: `${instances.map((one) => one.id).join(', ')}: running` };
  },
});

function imagesOf({ driver }: ActionPorts['environment']) {
  if (driver.images !== undefined) return driver.images;
  throw new Undetermined(`the ${driver.kind} driver knows no images`);
}
