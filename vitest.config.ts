import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Node.js would parse these certificates at each of its starts, 90 ms each, and no test asks anybody outside
delete process.env.NODE_EXTRA_CA_CERTS;

/** They keep every core busy: what is timed would only measure them. */
const busy = ['test/e2e/crash-matrix-*.test.ts'];

/** The longest files first: one that begins last would run alone. */
class WholeCommandsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => moduleId.includes('/test/e2e/');
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: WholeCommandsFirst },
    globalSetup: ['test/support/build.ts'],
    reporters: process.env.CI ? ['dot'] : ['default'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxConcurrency: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['test/**/*.test.ts'],
          exclude: busy,
          // real servers and processes: they mostly wait, but many more at a time would only measure the scheduler
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'crash matrix', include: busy, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
