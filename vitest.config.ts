import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { temporaryFolder } from './test/support/temporary-folder.ts';

// Node.js would parse these certificates at each of its starts, 90 ms each, and no test asks anybody outside
delete process.env.NODE_EXTRA_CA_CERTS;
process.env.TMPDIR = temporaryFolder();

/** What is held to times. */
const timed = ['test/e2e/{compose-start,rehearse-go}.test.ts'];
/** What cannot be told by a load generator that is kept from its work: two at a time leave a core free. */
const loads = ['test/integration/{load,load-losses,load-manifest}.test.ts'];
/** Whole exams, which are held to how fast the platform answers: not many at a time, or they measure the scheduler. */
const exams = ['test/e2e/{rehearse,compose-rehearsal}.test.ts'];
/** The same, two at a time within the file. */
const defects = ['test/e2e/defects.test.ts'];
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

/** One project after the other. From 1: those of order 0 with one worker come last. */
function project(name: string, groupOrder: number, test: object) {
  return { extends: true as const, test: { name, sequence: { groupOrder }, ...test } };
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
      project('timed', 1, { include: timed, maxWorkers: 1 }),
      project('load', 2, { include: loads, maxWorkers: 2 }),
      project('exams', 3, { include: exams, maxWorkers: 2 }),
      project('defects', 4, { include: defects, maxWorkers: 1 }),
      project('all others', 5, {
        include: ['test/**/*.test.ts'],
        exclude: [...timed, ...loads, ...exams, ...defects, ...busy],
        // real servers and processes: they mostly wait
        maxWorkers: 3,
      }),
      project('crash matrix', 6, { include: busy, maxWorkers: 2 }),
    ],
  },
});
