import { join } from 'node:path';
import { packageRoot } from '../adapters/package-root.ts';
import type { Progress } from '../commands/context.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { UsageError } from '../lifecycle/errors.ts';
import type { LifecycleEvent } from '../lifecycle/events.ts';
import { type FullContext, makeContext } from '../main/context.ts';
import { schemaOf } from '../report/json.ts';

export interface OpenOptions {
  /** the configuration file; default: examctl.yaml, looked for upwards from the working folder */
  readonly config?: string;
  /** the state folder; default: EXAMCTL_STATE, else the platform's state folder */
  readonly state?: string;
  /** ends whatever is done with the environment; what was changed is reverted first */
  readonly signal?: AbortSignal;
  /** everything that a run tells: changes, reverts, warnings; must not throw */
  readonly onEvent?: (event: LifecycleEvent) => void;
  /** what is being done, in words for a person */
  readonly onProgress?: (text: string) => void;
}

/** What a change of an environment may need, as the flags of the same names. */
export interface Permission {
  /** why; goes on record. Protected environments need it */
  readonly reason?: string;
  /** the environment's name; protected environments need it */
  readonly confirm?: string;
  /** lifts refusals in an emergency, with a reason; goes on record */
  readonly breakGlass?: boolean;
}

/** The object that --output json prints. */
export type Printed<T> = T & { readonly schema: string };

type ContextFor = (permission: Permission) => FullContext;

const opened = new WeakMap<Environment, ContextFor>();

export async function open(name: string | undefined, options: OpenOptions): Promise<Environment> {
  const contextFor: ContextFor = (permission) => contextOf(name, options, permission);
  const environment = await contextFor({}).openEnvironment();
  opened.set(environment, contextFor);
  return environment;
}

export function contextOfOpened(environment: Environment, permission: Permission = {}): FullContext {
  const contextFor = opened.get(environment);
  if (contextFor !== undefined) return contextFor(permission);
  throw new UsageError(`the environment "${environment.name}" was not opened by this library`, {
    hint: 'pass the very object that openEnvironment() gave',
  });
}

/** `kind` is that of the command's report. */
export function printed<T extends object>(kind: string, data: T): Printed<T> {
  return { schema: schemaOf({ kind }), ...data };
}

function contextOf(
  name: string | undefined,
  { config, state, signal = new AbortController().signal, onEvent, onProgress }: OpenOptions,
  { reason, confirm, breakGlass = false }: Permission,
): FullContext {
  const flags = {
    dryRun: false,
    yes: true,
    quiet: true,
    verbose: false,
    debug: false,
    color: false,
    breakGlass,
    ...(name === undefined ? {} : { env: name }),
    ...(config === undefined ? {} : { config }),
    ...(state === undefined ? {} : { state }),
    ...(reason === undefined ? {} : { reason }),
    ...(confirm === undefined ? {} : { confirm }),
  };
  return makeContext(() => flags, {
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    interactive: false,
    // the guardian and the sandbox are processes of the command, whatever script this is
    program: [process.execPath, join(packageRoot(), 'bin/examctl.js')],
    signal,
    setExitCode: () => undefined,
    progress: progressTo(onProgress ?? (() => undefined)),
    emit: onEvent ?? (() => undefined),
  });
}

function progressTo(tell: (text: string) => void): Progress {
  return {
    start: tell,
    update: tell,
    done: (text) => {
      if (text !== undefined) tell(text);
    },
    end: () => undefined,
    note: tell,
  };
}
