import { basename } from 'node:path';
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
 * What the others begin with. The crash matrix gets what everything else leaves. Beside it two at a time: exams and loads,
 * as more of them would keep each other from what has to happen in time.
 */
const first = [
  'crash-matrix-compose',
  'crash-matrix-sandbox',
  'defects',
  'compose-rehearsal',
  'load',
  'load-losses',
  'load-manifest',
  'rehearse',
];
const workers = 4;

/** Then whole commands, which take longer than the rest: one that begins last would run alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const named = first.indexOf(basename(moduleId, '.test.ts'));
      if (named !== -1) return named;
      return moduleId.includes('/test/e2e/') ? first.length : first.length + 1;
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
    reporters: process.env.CI ? ['dot'] : ['default'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      project('units', 1, { include: units, isolate: false, maxWorkers: workers }),
      project('timed', 2, { include: timed, maxWorkers: 1 }),
      project('others', 3, {
        include: ['test/**/*.test.ts'],
        exclude: [...units, ...timed],
        maxWorkers: workers,
      }),
    ],
  },
});
