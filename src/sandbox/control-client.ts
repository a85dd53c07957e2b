import { request } from 'node:http';
import { isAlive } from '../adapters/processes.ts';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';
import { locateSandbox, type SandboxFiles } from './folder.ts';
import { readSupervisorState, type SupervisorState, type SupervisorStatus } from './supervisor-plan.ts';

/** Commands to the supervisor of the sandbox that this state folder has. */
export interface SandboxControl {
  status(signal?: AbortSignal): Promise<SupervisorStatus>;
  /** resolves when its processes were started, which is before they answer */
  start(service: string, signal?: AbortSignal): Promise<void>;
  /** resolves when its processes are gone */
  stop(service: string, signal?: AbortSignal): Promise<void>;
  /** as stop, then start */
  restart(service: string, signal?: AbortSignal): Promise<void>;
  /** resolves when none of its processes runs any more; start and stop let them go on */
  pause(service: string, signal?: AbortSignal): Promise<void>;
  /** asks it to end, as stop does, and starts it; resolves before it answers */
  restartInstance(instance: string, signal?: AbortSignal): Promise<void>;
  /** resolves when the process is gone; the supervisor replaces it */
  kill(instance: string, signal?: AbortSignal): Promise<void>;
}

export function sandboxControl(stateFolder: string): SandboxControl {
  const call = async (method: 'GET' | 'POST', path: string, signal: AbortSignal | undefined) =>
    send(requireRunning(stateFolder).supervisor.socket, method, path, signal);
  const order = async (path: string, signal: AbortSignal | undefined) => {
    await call('POST', path, signal);
  };
  return {
    status: async (signal) => (await call('GET', '/status', signal)) as SupervisorStatus,
    start: (service, signal) => order(`/services/${service}/start`, signal),
    stop: (service, signal) => order(`/services/${service}/stop`, signal),
    restart: (service, signal) => order(`/services/${service}/restart`, signal),
    pause: (service, signal) => order(`/services/${service}/pause`, signal),
    restartInstance: (instance, signal) =>
      order(`/instances/${encodeURIComponent(instance)}/restart`, signal),
    kill: (instance, signal) => order(`/instances/${encodeURIComponent(instance)}/kill`, signal),
  };
}

export function notRunning(reason = 'the sandbox is not running', cause?: unknown): Undetermined {
  return new Undetermined(reason, { hint: 'examctl sandbox up', cause });
}

/** The files of the sandbox and its living supervisor; throws Undetermined when there is none. */
export function requireRunning(stateFolder: string): { files: SandboxFiles; supervisor: SupervisorState } {
  const files = locateSandbox(stateFolder);
  const supervisor = readSupervisorState(files.state);
  if (supervisor === undefined) throw notRunning();
  if (!isAlive(supervisor.supervisor)) throw notRunning('the sandbox is not running: its supervisor died');
  return { files, supervisor };
}

function send(
  socketPath: string,
  method: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, method, path, agent: false, ...(signal && { signal }) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
          if (response.statusCode === 200) return resolve(body);
          const { error } = body as { error: string };
          reject(new Undetermined(`the sandbox's supervisor could not do ${path}: ${error}`));
        });
      },
    );
    sent.once('error', (error) => {
      if (signal?.aborted) return reject(signal.reason);
      reject(
        notRunning(`the sandbox's supervisor does not answer at ${socketPath}: ${messageOf(error)}`, error),
      );
    });
    sent.end();
  });
}
