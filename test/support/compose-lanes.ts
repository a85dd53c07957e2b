import { rmSync } from 'node:fs';
import { openEnvironment } from '../../src/index.ts';
import type { Lane } from './crash-matrix.ts';
import type { TestEngine } from './docker-engine.ts';
import { startExamStack } from './exam-stack.ts';
import { Examctl } from './examctl.ts';

/** A lane, and examctl as it is started for it. */
export type ComposeLane = Lane & { readonly shell: Examctl; readonly config: string };

/** As many stacks of one engine, small ones: what is restarted a hundred times. */
export async function startLanes(
  engine: TestEngine,
  command: readonly string[],
  count: number,
): Promise<ComposeLane[]> {
  for (const [name, value] of Object.entries(engine.env)) if (value !== undefined) process.env[name] = value;
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const options = {
        project: `lane-${index}`,
        subnet: 100 + index,
        workers: 1,
        students: 20,
        healthChecked: ['database', 'cache'] as const,
        healthSeconds: 4,
      };
      const { configFile: config, env } = await startExamStack(engine, { ...options, command });
      const shell = new Examctl();
      const { state } = shell;
      return { state, config, env, shell, environment: await openEnvironment('staging', { config, state }) };
    }),
  );
}

export function removeLanes(lanes: readonly ComposeLane[] = []): void {
  for (const { shell } of lanes)
    for (const folder of [shell.state, shell.cwd]) rmSync(folder, { recursive: true, force: true });
}
