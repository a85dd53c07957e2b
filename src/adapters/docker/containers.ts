import { setTimeout as sleep } from 'node:timers/promises';
import { Undetermined } from '../../lifecycle/errors.ts';
import { parsedOrText } from '../parsed-or-text.ts';
import { type ContainerLine, framedEntries, linesOf } from './container-logs.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './engine.ts';

/** What is used of GET /containers/ID/json. */
export interface ContainerDetails {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
    readonly Pid: number;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    /** ISO 8601; "0001-01-01T00:00:00Z" when it never was */
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Error: string;
    readonly Health?: {
      readonly Status: 'none' | 'starting' | 'healthy' | 'unhealthy';
      readonly Log?:
        | readonly { readonly Output: string; readonly ExitCode: number; readonly Start: string }[]
        | null;
    };
  };
  readonly Config: {
    readonly Image: string;
    readonly Tty: boolean;
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Env: readonly string[] | null;
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
    /** seconds from SIGTERM to SIGKILL; without: 10 */
    readonly StopTimeout?: number;
  };
  readonly HostConfig: {
    readonly RestartPolicy: { readonly Name: string };
    /** bytes that it may use; 0: no limit */
    readonly Memory: number;
  };
  readonly NetworkSettings: {
    readonly Networks: Readonly<
      Record<
        string,
        {
          readonly IPAddress: string;
          /** "": the network has none */
          readonly GlobalIPv6Address?: string;
          readonly NetworkID: string;
          readonly Aliases?: readonly string[] | null;
        }
      >
    >;
  };
}

/** What every engine says of every container, whatever its state. */
const detailsSample = {
  Id: '',
  Name: '',
  State: { Status: '' },
  Config: { Image: '' },
  HostConfig: {},
  NetworkSettings: { Networks: {} },
};

/** Of GET /containers/json. */
export interface ContainerSummary {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly State: ContainerDetails['State']['Status'];
}

export interface ContainerProcess {
  /** as the host sees it */
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Containers of an engine, by their ids. What is so already is left alone. */
export interface Containers {
  /** all, running or not, that carry each of these labels */
  list(labels: readonly string[], signal?: AbortSignal): Promise<ContainerSummary[]>;
  /** throws EngineError 404 when it is gone */
  inspect(id: string, signal?: AbortSignal): Promise<ContainerDetails>;
  start(id: string, signal: AbortSignal): Promise<void>;
  /**
   * A stop goes on when nobody waits for it any longer, as when the one who asked for it was killed: until then the container
   * runs, and starting it does nothing. Waits for the end of one that has been told to end; at most so long.
   */
  untilEnded(id: string, milliseconds: number, signal: AbortSignal): Promise<void>;
  /** SIGTERM, and SIGKILL when that did not do within the container's own time */
  stop(id: string, signal: AbortSignal): Promise<void>;
  pause(id: string, signal: AbortSignal): Promise<void>;
  unpause(id: string, signal: AbortSignal): Promise<void>;
  kill(id: string, name: NodeJS.Signals, signal: AbortSignal): Promise<void>;
  /** those that are alive, of the container and of what is executed in it */
  processes(id: string, signal?: AbortSignal): Promise<ContainerProcess[]>;
  /**
   * Runs a program of the image beside the container's own, without a terminal. What is secret goes by `stdin`: everyone
   * on the machine reads the arguments. Throws Undetermined when the image does not have it; an aborted one goes on running.
   */
  exec(
    id: string,
    argv: readonly string[],
    options?: { readonly stdin?: string | Buffer; readonly signal?: AbortSignal },
  ): Promise<ExecResult>;
  lines(
    id: string,
    options: { readonly since?: Date; readonly follow?: boolean; readonly signal?: AbortSignal },
  ): AsyncIterable<ContainerLine>;
}

/** Milliseconds: a container may be given ten seconds to end, and more by its stop_grace_period. */
const endsWithin = 120_000;
/** milliseconds in which the engine says what it remembers */
const answersWithin = 10_000;

export function containersOf(engine: Engine): Containers {
  const change = async (
    path: string,
    signal: AbortSignal,
    alreadySo: (error: EngineError) => boolean = () => false,
  ) => {
    try {
      await engine.json({ method: 'POST', path, signal, timeout: endsWithin });
    } catch (error) {
      if (!(error instanceof EngineError) || !alreadySo(error)) throw error;
    }
  };
  const inspect = (id: string, signal?: AbortSignal) =>
    engine.json<ContainerDetails>({
      path: `/containers/${id}/json`,
      shape: detailsSample,
      ...(signal && { signal }),
    });
  return {
    inspect,
    list: (labels, signal) =>
      engine.json<ContainerSummary[]>({
        path: '/containers/json',
        shape: [{ Id: '', Names: [''], Labels: {}, State: '' }],
        query: { all: true, filters: JSON.stringify({ label: labels }) },
        ...(signal && { signal }),
      }),
    start: (id, signal) => change(`/containers/${id}/start`, signal),
    async untilEnded(id, milliseconds, signal) {
      const deadline = performance.now() + milliseconds;
      while ((await isEnding(engine, id, signal)) && performance.now() < deadline)
        await sleep(50, undefined, { signal });
    },
    stop: (id, signal) => change(`/containers/${id}/stop`, signal),
    pause: (id, signal) => change(`/containers/${id}/pause`, signal, saysThat('already paused')),
    unpause: (id, signal) => change(`/containers/${id}/unpause`, signal, saysThat('not paused')),
    kill: (id, name, signal) =>
      change(`/containers/${id}/kill?signal=${name}`, signal, saysThat('is not running')),
    async processes(id, signal) {
      const { Processes } = await engine.json<{ Processes: string[][] }>({
        path: `/containers/${id}/top`,
        shape: { Processes: [['']] },
        query: { ps_args: '-eo pid,ppid,stat,args' },
        ...(signal && { signal }),
      });
      return Processes.filter(([, , state]) => !state?.startsWith('Z')).map(([pid, parent, , command]) => ({
        pid: Number(pid),
        parent: Number(parent),
        command: command ?? '',
      }));
    },
    async exec(id, argv, { stdin, signal } = {}) {
      const abortable = signal && { signal };
      const { Id: exec } = await engine.json<{ Id: string }>({
        method: 'POST',
        path: `/containers/${id}/exec`,
        shape: { Id: '' },
        body: { Cmd: argv, AttachStdin: stdin !== undefined, AttachStdout: true, AttachStderr: true },
        ...abortable,
      });
      const chunks = await engine.attach({
        path: `/exec/${exec}/start`,
        body: { Detach: false, Tty: false },
        input: stdin ?? '',
        ...abortable,
      });
      const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
      for await (const { stream, bytes } of framedEntries(chunks)) parts[stream].push(bytes);
      signal?.throwIfAborted();
      const stdout = Buffer.concat(parts.stdout).toString('utf8');
      const stderr = Buffer.concat(parts.stderr).toString('utf8');
      const { ExitCode, Pid } = await ended(() =>
        engine.json({
          path: `/exec/${exec}/json`,
          // the code is null while it runs
          shape: { Running: true },
          ...abortable,
        }),
      );
      if (Pid === 0) throw cannotRun(argv, stdout + stderr);
      return { exitCode: ExitCode, stdout, stderr };
    },
    async *lines(id, { since, follow = false, signal }) {
      const { Config } = await inspect(id, signal);
      const chunks = await engine.stream({
        path: `/containers/${id}/logs`,
        query: {
          stdout: true,
          stderr: true,
          timestamps: true,
          follow,
          ...(since === undefined ? {} : { since: (Number(since) / 1_000).toFixed(9) }),
        },
        ...(signal && { signal }),
      });
      yield* linesOf(chunks, { terminal: Config.Tty });
    },
  };
}

interface ExecState {
  readonly Running: boolean;
  readonly ExitCode: number;
  /** 0: it never ran */
  readonly Pid: number;
}

interface ContainerEvent {
  readonly Action: string;
}

/** Whether it was sent a signal since it started, and has not ended: by what the engine remembers, which is not much. */
async function isEnding(engine: Engine, id: string, signal: AbortSignal): Promise<boolean> {
  const filters = JSON.stringify({ container: [id], event: ['start', 'kill', 'die'] });
  const query = { since: '0', until: String(Date.now() / 1_000), filters };
  let text = '';
  const said = await engine.stream({ path: '/events', query, signal, timeout: answersWithin });
  for await (const part of said) text += part.toString('utf8');
  const events = text.split('\n').filter((line) => line !== '');
  const last = events.at(-1);
  return last !== undefined && (parsedOrText(last) as Partial<ContainerEvent> | null)?.Action === 'kill';
}

/** The output ends a moment before the engine knows how the process ended. */
async function ended(look: () => Promise<ExecState>): Promise<ExecState> {
  for (;;) {
    const state = await look();
    if (!state.Running) return state;
    await sleep(10);
  }
}

function cannotRun([program]: readonly string[], said: string): Undetermined {
  return new Undetermined(`${program} cannot be run in the container: ${said.trim()}`, {
    hint: 'many images have only what the service needs',
  });
}

/** The engine tells these states apart by its words only; 304 it uses for start and stop. */
function saysThat(words: string): (error: EngineError) => boolean {
  return ({ message }) => message.includes(words);
}
