import { openCompose } from '../../src/drivers/compose/open.ts';
import type { Ability } from '../../src/lifecycle/disturbance.ts';
import { messageOf } from '../../src/lifecycle/errors.ts';
import { stackServices } from './exam-stack.ts';

/** What the account that runs this can do to the stack, as JSON. */
const [, , file = '', project = '', abilities = '[]'] = process.argv;
const { disturber } = openCompose({
  file,
  project,
  services: stackServices,
  examMode: [],
  env: process.env,
  helpers: { start: async () => undefined, find: () => [], end: async () => undefined },
  jobKeys: [],
});
const answers = (JSON.parse(abilities) as Ability[]).map((ability) =>
  disturber.possibility(ability).catch((error: unknown) => ({ error: messageOf(error) })),
);
process.stdout.write(JSON.stringify(await Promise.all(answers)));
