import type { Environment, ImageSetting, Service, ServiceImage } from '../lifecycle/environment.ts';
import { Refused, UsageError } from '../lifecycle/errors.ts';
import { type Action, makePlan, type Plan } from '../lifecycle/plan.ts';
import { revisionOf } from '../lifecycle/revision.ts';
import { impactOf } from '../probes/sessions-in-progress.ts';
import { effects, restartSeconds } from './restarts.ts';

/** Deploys an earlier version: the tag, that the driver's machine has already, in place of the one that runs. Reads only. */
export async function planRollback(
  service: Service,
  tag: string | undefined,
  environment: Environment,
): Promise<Plan> {
  const { driver } = environment;
  const { images } = driver;
  if (images === undefined) {
    throw new UsageError(
      `services of ${environment.name} are not made of images: there is no earlier version`,
      {
        hint: 'rollback is for environments that compose runs',
      },
    );
  }
  const now = await images.look(service);
  if (tag === undefined) throw missingTag(service, now);
  const setting = now.settingFor(tag);
  const reference = `${now.repository}:${tag}`;
  const id = await images.idOf(reference);
  if (id === undefined) throw notThere(reference, now);
  if ((await images.idOf(now.reference)) !== now.id) throw noWayBack(service, now);

  const set = (to: string, image: string, written: ImageSetting): Action => ({
    kind: 'image-set',
    service,
    reference: to,
    id: image,
    setting: { ...written },
  });
  const change = {
    target: `image of ${service}`,
    before: described(now.reference, now.id, now.setting),
    after: described(reference, id, setting),
    apply: set(reference, id, setting),
    revert: set(now.reference, now.id, now.setting),
    undoneBy: 'guardian',
    seconds: restartSeconds[service],
  } as const;
  return makePlan({
    operation: 'services rollback',
    environment: environment.name,
    parameters: { service, tag, ...(await revisionOf(driver)) },
    impact: await impactOf(environment, { disruptive: true, text: effects[service] }),
    changes: reference === now.reference && id === now.id ? [] : [change],
    holdSeconds: null,
    notes: now.sharedWith.map(
      (name) => `${name} is made with ${setting.variable} too: it changes when it is made anew the next time`,
    ),
    // What runs is ill, or there would be no need.
    steadyState: [],
  });
}

/** "backend:14 (sha256:1a2b3c4d5e6f; TAG=14 in /srv/exam/.env)" */
function described(reference: string, id: string, { file, variable, text }: ImageSetting): string {
  const written =
    variable === null ? `image: ${text}` : text === null ? `no ${variable}` : `${variable}=${text}`;
  return `${reference} (${id.slice(0, 19)}; ${written} in ${file})`;
}

function missingTag(service: Service, { reference, others, id }: ServiceImage): UsageError {
  const running = others.find((one) => one.id === id)?.createdAt;
  const different = others.filter((one) => one.id !== id);
  const earlier = different.find(({ createdAt }) => running === undefined || createdAt < running);
  return new UsageError(`which version of ${service} to go back to is not given; ${reference} runs`, {
    hint:
      earlier === undefined
        ? `this machine has none that is older: ${others.map(({ tag }) => tag).join(', ') || 'no other tag'}`
        : `the one made before it, ${earlier.createdAt.toISOString().slice(0, 16)}Z: examctl services rollback ${service} --to ${earlier.tag}`,
  });
}

function notThere(reference: string, { others }: ServiceImage): Refused {
  const tags = others.map(({ tag }) => tag).join(', ');
  return new Refused(`the image ${reference} is not on the engine, and nothing is fetched in an emergency`, {
    hint: `${tags === '' ? '' : `it has ${tags}; `}to fetch it: docker pull ${reference}`,
  });
}

/** The tag was given to another image since: what runs now could not be had back by it. */
function noWayBack(service: Service, { reference, id }: ServiceImage): Refused {
  return new Refused(
    `what runs as ${service} has lost its tag ${reference}, so that there would be no way back`,
    {
      hint: `give it back: docker tag ${id} ${reference}`,
    },
  );
}
