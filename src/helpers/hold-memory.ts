import { joinControlGroups } from './control-groups.ts';
import type { HelperDefinition } from './helper.ts';

const chunk = 16 * 1_048_576;

/** Holds `mebibytes` of memory, in the control groups of the process `like` where one is named. */
export const holdMemory: HelperDefinition = {
  name: 'hold-memory',
  async run({ option, ready, signal }) {
    if (option('like') !== '') joinControlGroups(Number(option('like')), ['memory']);
    const held: Buffer[] = [];
    for (let left = Number(option('mebibytes')) * 1_048_576; left > 0; left -= chunk)
      // written, as the kernel gives only what is written
      held.push(Buffer.alloc(Math.min(chunk, left), 1));
    ready();
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    held.length = 0;
  },
};
