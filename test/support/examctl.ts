import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { makeStateFolder } from './temporary-folder.ts';

export interface Ended {
  /** null when a signal ended it */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** resolves when the text is on stderr; rejects when the command ends without it */
  says(text: string | RegExp): Promise<void>;
}

/** examctl as a user starts it, with a state folder of its own. */
export class Examctl {
  readonly state = makeStateFolder('examctl-e2e-');
  readonly cwd = mkdtempSync(join(tmpdir(), 'examctl-cwd-'));

  start(args: readonly string[], env: Record<string, string> = {}): Started {
    const begin = performance.now();
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const child = spawn(process.execPath, [join(packageRoot(), 'bin/examctl.js'), ...args], {
      cwd: this.cwd,
      env: { ...inherited, EXAMCTL_STATE: this.state, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    const listeners = new Set<() => void>();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      for (const listener of listeners) listener();
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exitCode) =>
        resolve({ exitCode, stdout, stderr, seconds: (performance.now() - begin) / 1000 }),
      );
    });
    const says = (text: string | RegExp) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (typeof text === 'string' ? !stderr.includes(text) : !text.test(stderr)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`it ended without saying ${text}:\n${stderr}`)));
      });
    return { process: child, ended, says };
  }

  run(...args: string[]): Promise<Ended> {
    return this.start(args).ended;
  }

  /** the data that -o json prints */
  async json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
    const { stdout, stderr } = await this.run(...args, '-o', 'json');
    try {
      return JSON.parse(stdout) as T;
    } catch {
      throw new Error(`not JSON: ${stdout}\n${stderr}`);
    }
  }

  /** ends the sandbox, and removes everything */
  async remove(): Promise<void> {
    await this.run('sandbox', 'down');
    rmSync(this.state, { recursive: true, force: true });
    rmSync(this.cwd, { recursive: true, force: true });
  }
}

interface SandboxStatus {
  readonly state: string;
  readonly parts: readonly { readonly id: string; readonly state: string; readonly pid?: number }[];
}

export async function partState(examctl: Examctl, part: string): Promise<string> {
  const { state, parts } = await examctl.json<SandboxStatus>('sandbox', 'status');
  return parts.find(({ id }) => id === part)?.state ?? state;
}

/** seconds until it holds; throws after the limit */
export async function until(holds: () => Promise<boolean>, limitSeconds: number): Promise<number> {
  const begin = performance.now();
  while (!(await holds())) {
    if (performance.now() - begin > limitSeconds * 1000)
      throw new Error(`it did not come true within ${limitSeconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return (performance.now() - begin) / 1000;
}
