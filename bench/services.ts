import { dirname } from 'node:path';
import { helperProcesses } from '../src/adapters/helper-processes.ts';
import { openCompose } from '../src/drivers/compose/open.ts';
import { composePrograms, startEngine, whyNoEngine } from '../test/support/docker-engine.ts';
import { stackServices } from '../test/support/exam-stack/services.ts';
import { startExamStack } from '../test/support/exam-stack.ts';
import { type Bench, ended, Installed, interleaved, milliseconds } from './measure.ts';

/** To what Docker's own commands take for the same, on a stack of five containers. */
export const services: Bench = {
  id: 'services',
  title: 'services of a compose environment, to docker compose ps and docker stats --no-stream',
  run: async ({ smoke }) => {
    const program = composePrograms.find(({ missing }) => missing === null);
    const why = whyNoEngine() ?? (program === undefined ? composePrograms[0]?.missing : null);
    if (why !== null || program === undefined) {
      console.error(`services: skipped: ${why}`);
      return [];
    }
    const engine = await startEngine();
    const examctl = new Installed(engine.env);
    try {
      program.install(engine);
      const stack = await startExamStack(engine, {
        project: 'bench',
        command: program.command,
        students: 20,
      });
      const driver = openCompose({
        file: stack.file,
        project: stack.project,
        services: stackServices,
        examMode: [],
        env: engine.env,
        helpers: helperProcesses({ program: [], flags: [], scope: 'bench' }),
        jobKeys: [],
      });
      const [command = '', ...args] = program.command;
      const compose = ['--file', stack.file, '--project-name', stack.project];
      const status = ['services', 'status', '--config', stack.configFile, '-e', 'staging'];
      const docker = (name: string, all: readonly string[]) =>
        ended(name, all, { env: engine.env, cwd: dirname(stack.file) });
      const subject = (
        name: string,
        action: () => Promise<unknown>,
        more: { goal?: number; baseline?: string } = {},
      ) => ({
        name,
        measure: () => milliseconds(action),
        ...more,
      });
      const listing = program.command.join(' ');
      const sampling = 'docker stats --no-stream';
      return await interleaved(
        [
          subject(`${listing} ps`, () => docker(command, [...args, ...compose, 'ps'])),
          subject('examctl services status', () => examctl.run(status), { goal: 1 }),
          subject(sampling, () => docker('docker', ['stats', '--no-stream']), { baseline: sampling }),
          subject('statistics of five containers, warm', () => driver.stats(), {
            baseline: sampling,
            goal: 0.1,
          }),
          subject('examctl services status --stats', () => examctl.run([...status, '--stats']), {
            baseline: sampling,
          }),
        ],
        { rounds: smoke ? 1 : 11, warmUp: 1, unit: 'ms' },
      );
    } finally {
      await examctl.remove();
      await engine.stop();
    }
  },
};
