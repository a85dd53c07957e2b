import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, benchEnvironment, ended, Installed, interleaved, milliseconds } from './measure.ts';

const configuration = `environments:
  staging:
    platform: exam-platform
    driver: { kind: compose, file: compose.yml }
    api: { url: "https://api-staging.example.com", token: "\${env:AUTH_TOKEN}" }
    database: { url: "\${env:STAGING_DATABASE_URL}" }
thresholds: { p95_ms: 500 }
`;

/** What a person waits for before a command begins its work. */
export const startup: Bench = {
  id: 'startup',
  title: 'start-up of a command, to that of an empty Node.js program',
  run: async ({ smoke }) => {
    const examctl = new Installed();
    writeFileSync(join(examctl.state, 'examctl.yaml'), configuration);
    const command = (
      name: string,
      args: readonly string[],
      more: { goal?: number; exitCode?: number } = {},
    ) => ({
      name,
      ...(more.goal === undefined ? {} : { goal: more.goal }),
      measure: () =>
        milliseconds(() => examctl.run(args, more.exitCode === undefined ? {} : { exitCode: more.exitCode })),
    });
    const nothing = () => ended(process.execPath, ['-e', '0'], { env: benchEnvironment() });
    try {
      return await interleaved(
        [
          { name: 'node -e 0', measure: () => milliseconds(nothing) },
          command('examctl --version', ['--version'], { goal: 1.25 }),
          command('examctl --help', ['--help'], { goal: 1.25 }),
          command('examctl explain 0', ['explain', '0']),
          command('examctl config check', ['config', 'check']),
          command('examctl integrity check, no sandbox to connect to', ['integrity', 'check', '-c', none], {
            goal: 2.4,
            exitCode: 3,
          }),
          command('examctl integrity check, a configured database that refuses', ['integrity', 'check'], {
            exitCode: 3,
          }),
        ],
        { rounds: smoke ? 1 : 31, warmUp: smoke ? 0 : 2, unit: 'ms' },
      );
    } finally {
      await examctl.remove();
    }
  },
};
