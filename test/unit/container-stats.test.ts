import { describe, expect, it } from 'vitest';
import { useOf } from '../../src/adapters/docker/container-stats.ts';

const sample = (more: object = {}) => ({
  cpu_stats: { cpu_usage: { total_usage: 500 }, system_cpu_usage: 4_000, online_cpus: 2 },
  precpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 2_000 },
  memory_stats: { usage: 1_000, stats: { total_inactive_file: 400 } },
  ...more,
});

describe('what a container uses', () => {
  it('is the share of one core since the sample before, and memory without the cache of files', () => {
    expect(useOf(sample())).toEqual({ cpu: 0.2, memoryBytes: 600 });
    expect(useOf(sample({ memory_stats: { usage: 1_000, stats: { inactive_file: 100 } } })).memoryBytes).toBe(
      900,
    );
  });

  it('is not known of the processor with one sample, nor of anything when it does not run', () => {
    expect(useOf(sample({ precpu_stats: { cpu_usage: { total_usage: 0 } } })).cpu).toBeNull();
    const stopped = { cpu_usage: { total_usage: 0 } };
    expect(useOf({ cpu_stats: stopped, precpu_stats: stopped, memory_stats: {} })).toEqual({
      cpu: null,
      memoryBytes: null,
    });
  });
});
