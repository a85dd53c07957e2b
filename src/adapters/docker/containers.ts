import { type ContainerLine, linesOf } from './container-logs.ts';
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
    readonly Env: readonly string[] | null;
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  };
  readonly HostConfig: { readonly RestartPolicy: { readonly Name: string } };
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string; readonly NetworkID: string }>>;
  };
}

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

/** Containers of an engine, by their ids. What is so already is left alone. */
export interface Containers {
  /** all, running or not, that carry each of these labels */
  list(labels: readonly string[], signal?: AbortSignal): Promise<ContainerSummary[]>;
  /** throws EngineError 404 when it is gone */
  inspect(id: string, signal?: AbortSignal): Promise<ContainerDetails>;
  start(id: string, signal: AbortSignal): Promise<void>;
  /** SIGTERM, and SIGKILL when that did not do within the container's own time */
  stop(id: string, signal: AbortSignal): Promise<void>;
  pause(id: string, signal: AbortSignal): Promise<void>;
  unpause(id: string, signal: AbortSignal): Promise<void>;
  kill(id: string, name: NodeJS.Signals, signal: AbortSignal): Promise<void>;
  processes(id: string): Promise<ContainerProcess[]>;
  lines(
    id: string,
    options: { readonly since?: Date; readonly follow?: boolean; readonly signal?: AbortSignal },
  ): AsyncIterable<ContainerLine>;
}

/** Milliseconds: a container may be given ten seconds to end, and more by its stop_grace_period. */
const endsWithin = 120_000;

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
    engine.json<ContainerDetails>({ path: `/containers/${id}/json`, ...(signal && { signal }) });
  return {
    inspect,
    list: (labels, signal) =>
      engine.json<ContainerSummary[]>({
        path: '/containers/json',
        query: { all: true, filters: JSON.stringify({ label: labels }) },
        ...(signal && { signal }),
      }),
    start: (id, signal) => change(`/containers/${id}/start`, signal),
    stop: (id, signal) => change(`/containers/${id}/stop`, signal),
    pause: (id, signal) => change(`/containers/${id}/pause`, signal, saysThat('already paused')),
    unpause: (id, signal) => change(`/containers/${id}/unpause`, signal, saysThat('not paused')),
    kill: (id, name, signal) =>
      change(`/containers/${id}/kill?signal=${name}`, signal, saysThat('is not running')),
    async processes(id) {
      const { Titles, Processes } = await engine.json<{ Titles: string[]; Processes: string[][] }>({
        path: `/containers/${id}/top`,
        query: { ps_args: '-eo pid,ppid,args' },
      });
      const [pid, parent, command] = ['PID', 'PPID', 'COMMAND'].map((title) => Titles.indexOf(title));
      return Processes.map((cells) => ({
        pid: Number(cells[pid ?? 0]),
        parent: Number(cells[parent ?? 1]),
        command: cells[command ?? 2] ?? '',
      }));
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

/** The engine tells these states apart by its words only; 304 it uses for start and stop. */
function saysThat(words: string): (error: EngineError) => boolean {
  return ({ message }) => message.includes(words);
}
