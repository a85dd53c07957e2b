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
  const given = env[variable] || fromEnvFile(join(dirname(file), '.env')) || (await nameIn(file));
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

function fromEnvFile(file: string): string | undefined {
  return readText(file) === undefined ? undefined : readFromEnvFile(file, variable);
}

async function nameIn(file: string): Promise<string | undefined> {
  const text = readText(file);
  if (text === undefined) {
    throw new Undetermined(`there is no compose file ${file}`, {
      hint: 'driver.file in examctl.yaml names it',
    });
  }
  const { parse } = await import('yaml');
  try {
    const content = parse(text) as { name?: unknown } | null;
    return typeof content?.name === 'string' ? content.name : undefined;
  } catch (error) {
    throw new Undetermined(`the compose file ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
