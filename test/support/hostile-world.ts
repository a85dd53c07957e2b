import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { vi } from 'vitest';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { makeContext } from '../../src/main/context.ts';
import { commandLoaders } from '../../src/main/load-command.ts';
import { globalProgram, type ProgramOptions } from '../../src/main/program.ts';
import { main } from '../../src/main.ts';
import { makeStateFolder } from './temporary-folder.ts';

/** In every secret, in everything that the outside says, and in every file: nobody may ever see it again. */
export const magpie = /magpie/i;

/** What servers, engines and programs say: a sentence that quotes one of everything. */
export const quoting =
  'no: eyJhbGciOiJIUzI1NiJ9.MAGPIE.MAGPIE, Bearer MAGPIE1, password=magpie, mail magpie@students.magpie.example, postgres://u:magpie@db/x';

/** How the outside answers, whatever it is asked. */
export interface Hostility {
  readonly name: string;
  /** changes seem to be made */
  readonly accepts?: true;
  readonly http: RequestListener;
  /** PostgreSQL, Redis and whatever else is connected to */
  readonly tcp: (socket: Socket) => void;
}

/** Servers that answer as told, and a folder with the files that a configuration names. */
export class HostileWorld {
  readonly state = makeStateFolder('examctl-hostile-');
  readonly folder = mkdtempSync(join(tmpdir(), 'examctl-hostile-files-'));
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  async open({ http, tcp }: Hostility): Promise<{ readonly httpPort: number; readonly tcpPort: number }> {
    const ports: number[] = [];
    for (const server of [createServer(http), createTcpServer(tcp)]) {
      server.on('connection', (socket: Socket) => {
        this.#sockets.add(socket.on('error', () => undefined));
        socket.on('close', () => this.#sockets.delete(socket));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      this.#servers.push(server);
      ports.push((server.address() as AddressInfo).port);
    }
    const [httpPort = 0, tcpPort = 0] = ports;
    return { httpPort, tcpPort };
  }

  write(name: string, content: string | Buffer): string {
    const file = join(this.folder, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content, { mode: 0o700 });
    return file;
  }

  /** writes into the state folder */
  record(name: string, content: string): void {
    const file = join(this.state, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content);
  }

  /** each file of the state folder, and what is in it */
  recorded(): [file: string, content: string][] {
    return readdirSync(this.state, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file, readFileSync(file, 'utf8')]);
  }

  close(): void {
    for (const server of this.#servers.splice(0)) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  remove(): void {
    this.close();
    for (const folder of [this.state, this.folder]) rmSync(folder, { recursive: true, force: true });
  }
}

export interface Said {
  readonly exitCode: number;
  readonly text: string;
}

/** One command in this process, with all that it prints. */
export async function runHere(args: readonly string[]): Promise<Said> {
  let text = '';
  const write = (chunk: unknown, ...rest: unknown[]) => {
    text += String(chunk);
    const [done] = rest.filter((each) => typeof each === 'function');
    (done as (() => void) | undefined)?.();
    return true;
  };
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(write as never),
  );
  try {
    const argv = [process.execPath, join(packageRoot(), 'bin/examctl.js'), ...args];
    const exitCode = await main(argv, (code) => {
      throw new Error(`it left at once with ${code}`);
    });
    return { exitCode, text };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** "load run", "doctor", ...: every command that does something, as they declare themselves. */
export async function everyCommand(): Promise<string[]> {
  const program = globalProgram();
  const context = makeContext(() => program.opts<ProgramOptions>(), {
    env: {},
    cwd: tmpdir(),
    stdout: process.stdout,
    stderr: process.stderr,
    interactive: false,
    program: [],
    signal: new AbortController().signal,
    setExitCode: () => undefined,
  });
  const leaves = (command: Command, path: string): string[] =>
    command.commands.length === 0
      ? [path]
      : command.commands.flatMap((child) => leaves(child, `${path} ${child.name()}`));
  const all = await Promise.all(
    Object.entries(commandLoaders).map(async ([name, load]) => leaves(await load(context), name)),
  );
  return all.flat();
}
