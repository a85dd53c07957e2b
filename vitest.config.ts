import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { temporaryFolder } from './test/support/temporary-folder.ts';

// Node.js would parse these certificates at each of its starts, 90 ms each, and no test asks anybody outside
delete process.env.NODE_EXTRA_CA_CERTS;
process.env.TMPDIR = temporaryFolder();

/** Nothing but functions: they share the modules that are loaded once. */
const units = ['test/unit/**/*.test.ts'];

/** What is held to times runs alone. */
const timed = ['test/e2e/{compose-start,rehearse-go}.test.ts'];

/**
 * Exams and loads, which are held to how fast the platform answers: two at a time, or they measure the scheduler. In this
 * order both workers end at about the same time.
 */
const exams = [
  'test/e2e/defects.test.ts',
  'test/e2e/compose-rehearsal.test.ts',
  'test/integration/load.test.ts',
  'test/integration/load-losses.test.ts',
  'test/integration/load-manifest.test.ts',
  'test/e2e/rehearse.test.ts',
];

/** They keep every core busy for minutes. */
const busy = ['test/e2e/crash-matrix-*.test.ts'];

/** Exams in their order; then whole commands, which take longer than the rest: one that begins last would run alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const exam = exams.findIndex((file) => moduleId.endsWith(`/${file}`));
      if (exam !== -1) return exam;
      return moduleId.includes('/test/e2e/') ? exams.length : exams.length + 1;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}

/** One project after the other. From 1: those of order 0 with one worker come last. */
function project(name: string, groupOrder: number, test: object) {
  return { extends: true as const, test: { name, sequence: { groupOrder }, ...test } };
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/support/build.ts'],
    reporters: process.env.CI ? ['./test/support/ci-reporter.ts'] : ['default'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      project('units', 1, { include: units, isolate: false, maxWorkers: 4 }),
      project('timed', 2, { include: timed, maxWorkers: 1 }),
      project('exams', 3, { include: exams, maxWorkers: 2 }),
      project('others', 4, {
        include: ['test/**/*.test.ts'],
        exclude: [...units, ...timed, ...exams, ...busy],
        // real servers and processes: they mostly wait
        maxWorkers: 4,
      }),
      project('crash matrix', 5, { include: busy, maxWorkers: 2 }),
    ],
  },
});
