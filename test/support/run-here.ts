import { join } from 'node:path';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { main } from '../../src/main.ts';
import type { Ended, Examctl } from './examctl.ts';

let before: Promise<unknown> = Promise.resolve();

/**
 * As `examctl.run`, in the test's own process, one after the other: for what a process of its own does not show. A start of
 * Node.js with all that is loaded costs more than most commands.
 */
export function runHere(examctl: Examctl, ...args: string[]): Promise<Ended> {
  const run = before.then(() => runAlone(examctl, args));
  before = run.catch(() => undefined);
  return run;
}

async function runAlone({ cwd, state }: Examctl, args: readonly string[]): Promise<Ended> {
  const begin = performance.now();
  const { cwd: folder, env } = { cwd: process.cwd(), env: process.env };
  const stdout = captured(process.stdout);
  const stderr = captured(process.stderr);
  process.chdir(cwd);
  process.env = { ...env, EXAMCTL_STATE: state };
  try {
    const exitCode = await main([process.execPath, join(packageRoot(), 'bin/examctl.js'), ...args], () => {
      throw new Error('it left at once');
    });
    return {
      exitCode,
      stdout: stdout.text(),
      stderr: stderr.text(),
      seconds: (performance.now() - begin) / 1000,
    };
  } finally {
    process.env = env;
    process.chdir(folder);
    stdout.release();
    stderr.release();
  }
}

function captured(stream: NodeJS.WriteStream): { text(): string; release(): void } {
  const { write } = stream;
  let text = '';
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    for (const callback of rest) if (typeof callback === 'function') callback();
    return true;
  }) as typeof stream.write;
  return {
    text: () => text,
    release: () => {
      stream.write = write;
    },
  };
}
