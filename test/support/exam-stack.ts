import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { writeJson } from '../../src/adapters/files.ts';
import type { DefectId } from '../../src/sandbox/defects.ts';
import type { TestEngine } from './docker-engine.ts';
import { writeComposeFile } from './exam-stack/compose-file.ts';
import { writeConfig } from './exam-stack/config-file.ts';
import { preparePlace } from './exam-stack/place.ts';
import { addressOf, ports, type Role, roles, stackServices } from './exam-stack/services.ts';

export { stackServices } from './exam-stack/services.ts';

export interface ExamStack {
  readonly project: string;
  /** the compose file */
  readonly file: string;
  readonly envFile: string;
  /** examctl.yaml with the environment "staging" */
  readonly configFile: string;
  /** for examctl as a child process */
  readonly env: Record<string, string>;
  /** from `up` until every container was healthy */
  readonly secondsUntilHealthy: number;
  compose(...args: string[]): Promise<string>;
  /** by role, as `docker ps` says: "Up 3 seconds (healthy)"; those that do not run are not there */
  states(): Promise<Partial<Record<Role, string>>>;
  untilHealthy(seconds: number): Promise<void>;
  breakWith(...defects: DefectId[]): void;
  down(): Promise<void>;
}

export interface ExamStackOptions {
  readonly project: string;
  /** docker compose, or docker-compose */
  readonly command: readonly string[];
  readonly workers?: number;
  readonly students?: number;
  /** 64 to 126: for a second stack of the same engine */
  readonly subnet?: number;
  /**
   * Those whose containers have a health check; default all. Each takes a twentieth of a core, all the time. The database and
   * the cache need theirs, as others start after them.
   */
  readonly healthChecked?: readonly Role[];
  /** between two looks at the health of a container; default 2 */
  readonly healthSeconds?: number;
}

/** The reference platform in five containers, seeded, under the names of a compose file. */
export async function startExamStack(engine: TestEngine, options: ExamStackOptions): Promise<ExamStack> {
  const { project, command, workers = 4, students = 600, subnet = 100 } = options;
  const { healthChecked = roles, healthSeconds = 2 } = options;
  const folder = join(engine.folder, project);
  const net = `${engine.network}.${subnet}`;
  const place = await preparePlace({ folder, net, workers, students, healthChecked, healthSeconds });
  const file = writeComposeFile(place);
  const compose = async (...args: string[]) => {
    const [program = '', ...rest] = [...command, '--file', file, '--project-name', project, ...args];
    return (await execa(program, rest, { env: engine.env, extendEnv: false, cwd: folder })).stdout;
  };
  const states = () => statesOf(project, engine.env);
  /** what has no health check is up before it is of use */
  const answers = async () => {
    const asked = fetch(`http://${addressOf('edge', net)}:${ports.edge}/health`);
    return (
      (await asked.then(
        ({ status }) => status,
        () => 0,
      )) === 200
    );
  };
  const untilHealthy = async (seconds: number) => {
    const deadline = performance.now() + 1_000 * seconds;
    for (;;) {
      const seen = await states();
      const isWell = (role: Role) => seen[role]?.includes(healthChecked.includes(role) ? '(healthy)' : 'Up');
      if (roles.every(isWell) && (await answers())) return;
      if (performance.now() > deadline)
        throw new Error(`not healthy in ${seconds} s: ${JSON.stringify(seen)}\n${await compose('logs')}`);
      await sleep(100);
    }
  };
  writeFileSync(place.envFile, `# of the stack\nEXAM_MODE=false\nUVICORN_WORKERS=${workers}\n`);
  const configFile = await writeConfig(place, project);

  const began = performance.now();
  await compose('up', '--detach');
  await untilHealthy(60);
  const secondsUntilHealthy = (performance.now() - began) / 1_000;
  return {
    project,
    file,
    envFile: place.envFile,
    configFile,
    env: Object.fromEntries(
      Object.entries(engine.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
    secondsUntilHealthy,
    compose,
    states,
    untilHealthy,
    breakWith: (...defects) => writeJson(join(folder, 'platform/defects.json'), defects),
    down: async () => void (await compose('down', '--volumes', '--timeout', '1')),
  };
}

async function statesOf(project: string, env: NodeJS.ProcessEnv): Promise<Partial<Record<Role, string>>> {
  const filter = `label=com.docker.compose.project=${project}`;
  const format = '{{.Label "com.docker.compose.service"}}\t{{.Status}}';
  const args = ['ps', '--filter', filter, '--format', format];
  const { stdout } = await execa('docker', args, { env, extendEnv: false });
  const lines = stdout.split('\n').map((line) => line.split('\t'));
  return Object.fromEntries(
    roles.flatMap((role) => {
      const found = lines.find(([name]) => name === stackServices[role]);
      return found === undefined ? [] : [[role, found[1]]];
    }),
  );
}
