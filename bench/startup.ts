import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Bench,
  benchEnvironment,
  ended,
  Installed,
  interleaved,
  milliseconds,
  type Subject,
} from './measure.ts';

/** Nothing listens at port 1, so a connection ends at once. */
const configuration = `environments:
  staging:
    platform: exam-platform
    driver: { kind: compose, file: compose.yml }
    api: { url: "https://api-staging.example.com", token: "\${env:BENCH_TOKEN}" }
    database: { url: "\${env:BENCH_DATABASE_URL}" }
thresholds: { p95_ms: 500 }
`;
const variables = {
  BENCH_TOKEN: 'token',
  BENCH_DATABASE_URL: 'postgres://nobody:nothing@127.0.0.1:1/nowhere',
};

/** What a person waits for before a command begins its work. */
export const startup: Bench = {
  id: 'startup',
  title: 'start-up of a command, to that of an empty Node.js program',
  run: async ({ smoke }) => {
    const bare = new Installed();
    const configured = new Installed(variables);
    writeFileSync(join(configured.state, 'examctl.yaml'), configuration);
    const nothing = () => ended(process.execPath, ['-e', '0'], { env: benchEnvironment() });
    try {
      return await interleaved(
        [
          { name: 'node -e 0', measure: () => milliseconds(nothing) },
          { goal: 1.25, ...command(bare, ['--version']) },
          { goal: 1.25, ...command(bare, ['--help']) },
          command(bare, ['explain', '0']),
          command(configured, ['config', 'check']),
          {
            ...command(bare, ['integrity', 'check'], 3),
            name: 'examctl integrity check, until it would connect',
            goal: 2.4,
          },
          {
            ...command(configured, ['integrity', 'check'], 3),
            name: 'examctl integrity check, configuration read, connection refused',
          },
        ],
        { rounds: smoke ? 1 : 31, warmUp: smoke ? 0 : 2, unit: 'ms' },
      );
    } finally {
      await bare.remove();
      await configured.remove();
    }
  },
};

function command(examctl: Installed, args: readonly string[], exitCode = 0): Subject {
  return {
    name: `examctl ${args.join(' ')}`,
    measure: () => milliseconds(() => examctl.run(args, { exitCodes: [exitCode] })),
  };
}
