import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';

export interface ComposeProject {
  /** undefined: what compose makes of the file and its folder */
  readonly project: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** The compose command: it alone knows how a file becomes containers. Costs 0.1 to 0.8 s a call, so it only makes changes. */
export interface ComposeCli {
  /** "2.40.3", with the command it was found as */
  version(): Promise<{ readonly version: string; readonly command: readonly string[] }>;
  /** makes the service's containers anew, as the files say now, and starts them; others are left alone */
  recreate(service: string, sources: ComposeSources, signal: AbortSignal): Promise<void>;
}

export interface ComposeSources {
  /** compose files; of what two say, the later counts */
  readonly files: readonly string[];
  /** with the variables that are interpolated in them; need not be there */
  readonly envFile: string;
}

const candidates: readonly (readonly string[])[] = [['docker', 'compose'], ['docker-compose']];

export function composeCli({ project, env }: ComposeProject): ComposeCli {
  let found: ReturnType<ComposeCli['version']> | undefined;
  const version = () => {
    found ??= findCompose(env);
    return found;
  };
  return {
    version,
    async recreate(service, { files, envFile }, signal) {
      const { command } = await version();
      const [first = ''] = files;
      const of = [
        ...files.flatMap((file) => ['--file', file]),
        // compose notes it at the container when it is given, also where it would have been read without
        ...(envFile === join(dirname(first), '.env') ? [] : ['--env-file', envFile]),
        ...(project === undefined ? [] : ['--project-name', project]),
      ];
      const up = ['up', '--detach', '--no-deps', '--no-build', '--force-recreate', service];
      await run([...command, ...of, ...up], { cwd: dirname(first), env, signal });
    },
  };
}

async function findCompose(env: NodeJS.ProcessEnv): ReturnType<ComposeCli['version']> {
  const { execa } = await import('execa');
  const problems: string[] = [];
  for (const command of candidates) {
    const [program = '', ...args] = command;
    const { stdout, failed, shortMessage } = await execa(program, [...args, 'version', '--short'], {
      env,
      extendEnv: false,
      reject: false,
      timeout: 15_000,
      stdin: 'ignore',
    });
    const version = /^v?(\d+\.\d+\.\d+\S*)$/m.exec(stdout)?.[1];
    if (!failed && version !== undefined) return { version, command };
    problems.push(shortMessage ?? `${command.join(' ')} says no version`);
  }
  throw new Undetermined(`there is no docker compose: ${problems.join('; ')}`, {
    hint: 'install its plugin (docs.docker.com/compose/install) or docker-compose: apt-get install docker-compose',
  });
}

interface RunOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

async function run(
  [program = '', ...args]: readonly string[],
  { signal, ...options }: RunOptions,
): Promise<string> {
  const { execa } = await import('execa');
  try {
    const { stdout } = await execa(program, args, {
      ...options,
      extendEnv: false,
      stdin: 'ignore',
      cancelSignal: signal,
    });
    return stdout;
  } catch (error) {
    signal.throwIfAborted();
    const { stderr } = error as { stderr?: string };
    // v2.26 clears the line before each one, also where there is no terminal
    const said = stripVTControlCharacters(stderr ?? '')
      .trim()
      .split('\n')
      .slice(-5)
      .join('\n');
    throw new Undetermined(`${program} ${args.join(' ')} failed: ${said || messageOf(error)}`, {
      cause: error,
    });
  }
}
