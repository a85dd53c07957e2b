import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { helperProcesses } from '../../src/adapters/helper-processes.ts';
import { packageRoot } from '../../src/adapters/package-root.ts';
import type { Helpers } from '../../src/lifecycle/disturbance.ts';
import { locateSandbox } from '../../src/sandbox/folder.ts';
import type { SandboxContext } from '../../src/sandbox/make-sandbox.ts';
import { down } from '../../src/sandbox/sandbox.ts';
import { readSupervisorState, type SupervisorState } from '../../src/sandbox/supervisor-plan.ts';
import { testCacheFolder } from './services.ts';
import { makeStateFolder } from './temporary-folder.ts';

/** Built before the tests. From the sources each process would start five times as long, and a sandbox has seven. */
export const program = [process.execPath, join(packageRoot(), 'bin/examctl.js')];

/** Those of the sandbox of this state folder. */
export function sandboxHelpers(stateFolder: string): Helpers {
  return helperProcesses({
    program,
    flags: ['--state', stateFolder, '--env', 'sandbox'],
    scope: stateFolder,
  });
}

export interface TestSandbox {
  readonly context: SandboxContext;
  readonly progress: string[];
  /** with another signal */
  withSignal(signal: AbortSignal): SandboxContext;
  /** of its processes and its supervisor; throws when there are none */
  processes(): SupervisorState;
  remove(): Promise<void>;
}

/** A context with a state folder of its own; nothing is up yet. */
export function testSandbox(stateFolder = makeStateFolder('examctl-test-state-')): TestSandbox {
  const progress: string[] = [];
  const context: SandboxContext = {
    stateFolder,
    cacheFolder: testCacheFolder(),
    program,
    redisServer: process.env.REDIS_SERVER_BIN,
    signal: new AbortController().signal,
    onProgress: (message) => progress.push(message),
  };
  return {
    context,
    progress,
    withSignal: (signal) => ({ ...context, signal }),
    processes: () => {
      const state = readSupervisorState(locateSandbox(stateFolder).state);
      if (state === undefined) throw new Error('the sandbox is not up');
      return state;
    },
    remove: async () => {
      await down(context);
      rmSync(stateFolder, { recursive: true, force: true });
    },
  };
}

export function pidOf({ parts }: SupervisorState, id: string): number {
  const part = parts.find((candidate) => candidate.id === id);
  if (part === undefined) throw new Error(`${id} does not run`);
  return part.pid;
}
