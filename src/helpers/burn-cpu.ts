import { Worker } from 'node:worker_threads';
import { joinControlGroups } from './control-groups.ts';
import type { HelperDefinition } from './helper.ts';

/** Keeps `cores` cores busy, in the control groups of the process `like` where one is named, so within its limits. */
export const burnCpu: HelperDefinition = {
  name: 'burn-cpu',
  async run({ option, ready, signal }) {
    if (option('like') !== '') joinControlGroups(Number(option('like')), ['cpu', 'cpuacct', 'cpuset']);
    const threads = Array.from(
      { length: Number(option('cores')) },
      () => new Worker('for (;;);', { eval: true }),
    );
    await Promise.all(threads.map((thread) => new Promise((resolve) => thread.once('online', resolve))));
    ready();
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await Promise.all(threads.map((thread) => thread.terminate()));
  },
};
