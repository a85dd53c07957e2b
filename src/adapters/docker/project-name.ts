import { basename, dirname, join } from 'node:path';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { readFromEnvFile } from '../env-file.ts';
import { readText } from '../files.ts';

const variable = 'COMPOSE_PROJECT_NAME';

/**
 * What compose calls the project of a file that nobody named otherwise: COMPOSE_PROJECT_NAME, of the environment or of
 * the .env beside the file; `name` in the file; the folder's name (docs.docker.com/compose/how-tos/project-name).
 */
export async function projectName(file: string, env: NodeJS.ProcessEnv): Promise<string> {
  const given = env[variable] || fromEnvFile(join(dirname(file), '.env')) || (await nameIn(file, env));
  const name =
    given ??
    basename(dirname(file))
      .toLowerCase()
      .replace(/[^a-z0-9_-]/g, '')
      .replace(/^[_-]+/, '');
  if (name !== '') return name;
  throw new Undetermined(`the compose project of ${file} has no name`, {
    hint: 'give driver.project in examctl.yaml',
  });
}

function fromEnvFile(file: string, name = variable): string | undefined {
  return readText(file) === undefined ? undefined : writtenValue(readFromEnvFile(file, name));
}

/** Without quotes, and what stands behind a value as a comment (docs.docker.com/compose/how-tos/environment-variables). */
function writtenValue(written: string | undefined): string | undefined {
  const text = written?.trim();
  const [, double, single] = /^(?:"([^"]*)"|'([^']*)')\s*(?:#.*)?$/.exec(text ?? '') ?? [];
  return double ?? single ?? text?.replace(/\s+#.*$/, '');
}

/** As compose interpolates it, in its simple forms: $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}. */
function interpolated(text: string, of: (name: string) => string | undefined): string {
  const whole = /\$(?:\{(\w+)(?:(:?-)([^{}]*))?\}|(\w+))/g;
  const name = text.replace(whole, (_, braced, operator, fallback = '', plain) => {
    const value = of(braced ?? plain);
    return value === undefined || (operator === ':-' && value === '') ? fallback : value;
  });
  if (!name.includes('$')) return name;
  throw new Undetermined(
    'the name of the compose project is made of variables in a way that cannot be told',
    {
      hint: 'give driver.project in examctl.yaml',
    },
  );
}

async function nameIn(file: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const text = readText(file);
  if (text === undefined) {
    throw new Undetermined(`there is no compose file ${file}`, {
      hint: 'driver.file in examctl.yaml names it',
    });
  }
  const { parse } = await import('yaml');
  try {
    const content = parse(text, { merge: true, maxAliasCount: -1 }) as { name?: unknown } | null;
    if (typeof content?.name !== 'string') return undefined;
    const envFile = join(dirname(file), '.env');
    return interpolated(content.name, (name) => env[name] ?? fromEnvFile(envFile, name));
  } catch (error) {
    if (error instanceof Undetermined) throw error;
    throw new Undetermined(`the compose file ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
