import { setTimeout as sleep } from 'node:timers/promises';
import type { Collector } from './collector.ts';

/** CPU is a difference, so it is sampled twice this far apart. */
const intervalMs = 1_000;

export const processes: Collector = {
  id: 'processes',
  title: 'processes',
  unit: 'cores, bytes',
  help:
    'A backend worker that stays near 1 core is saturated: it serves one request after the other. ' +
    'Read over one second; a longer look needs monitoring.',
  async collect({ environment, signal }) {
    await environment.driver.stats();
    await sleep(intervalMs, undefined, { signal });
    const stats = await environment.driver.stats();
    const sum = (values: readonly (number | null)[]) =>
      values.every((value) => value === null)
        ? null
        : values.reduce<number>((total, value) => total + (value ?? 0), 0);
    return {
      figures: [
        { name: 'instances', title: 'instances', value: stats.length, unit: 'instances' },
        { name: 'cpu', title: 'cores in use', value: sum(stats.map(({ cpu }) => cpu)), unit: 'cores' },
        {
          name: 'memory',
          title: 'memory in use',
          value: sum(stats.map(({ memoryBytes }) => memoryBytes)),
          unit: 'bytes',
        },
      ],
      tables: [
        {
          name: 'by_instance',
          title: 'by instance',
          columns: ['instance', 'service', 'cpu_cores', 'memory_bytes'],
          rows: stats.map(({ id, service, cpu, memoryBytes }) => [id, service, cpu, memoryBytes]),
        },
      ],
    };
  },
};
