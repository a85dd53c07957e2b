import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { CiReporter, PeopleReporter } from './test/support/reporters.ts';
import { temporaryFolder } from './test/support/temporary-folder.ts';

// Node.js would parse these certificates at each of its starts, 90 ms each, and no test asks anybody outside
delete process.env.NODE_EXTRA_CA_CERTS;
process.env.TMPDIR = temporaryFolder();

/** Nothing but functions: they share the modules that are loaded once. */
const units = ['test/unit/**/*.test.ts'];

/** One that begins last would run alone. */
const longest = [
  'test/integration/load-losses.test.ts',
  'test/e2e/crash-matrix-compose.test.ts',
  'test/e2e/crash-matrix-sandbox.test.ts',
  'test/e2e/rehearse.test.ts',
  'test/integration/load.test.ts',
];

/** Whole exams, two at a time: what is to happen while students answer has to come while they do. */
const exams = ['test/e2e/{rehearse-go,defects}.test.ts'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const known = longest.findIndex((file) => moduleId.endsWith(`/${file}`));
      if (known !== -1) return known;
      return moduleId.includes('/test/e2e/') ? longest.length : longest.length + 1;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}

/** One project after the other. */
function project(name: string, groupOrder: number, test: object) {
  return { extends: true as const, test: { name, sequence: { groupOrder }, ...test } };
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/support/build.ts'],
    reporters: [process.env.CI ? new CiReporter() : new PeopleReporter()],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // against a hang: other tests share the cores
    expect: { poll: { timeout: 60_000 } },
    projects: [
      project('units', 1, { include: units, isolate: false, maxWorkers: 4, testTimeout: 30_000 }),
      project('exams', 2, { include: exams, maxWorkers: 2 }),
      // real servers and processes: they mostly wait
      project('others', 3, { include: ['test/**/*.test.ts'], exclude: [...units, ...exams], maxWorkers: 4 }),
    ],
  },
});
