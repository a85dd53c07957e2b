import type { Scalar } from 'yaml';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { readText } from '../files.ts';
import { replaceFile } from '../replace-file.ts';

/** `image` of a service as it is written, variables and all; undefined when the file does not give one. */
export async function writtenImage(file: string, service: string): Promise<string | undefined> {
  return (await imageAt(file, service))?.scalar.value;
}

export async function serviceNames(file: string): Promise<string[]> {
  const { document } = await parsed(file);
  return Object.keys(((document.toJS() ?? {}) as WrittenServices).services ?? {});
}

interface WrittenServices {
  readonly services?: Readonly<Record<string, { readonly image?: unknown } | null>>;
}

/** Names of services whose image is written with the variable. */
export async function servicesWith(file: string, variable: string): Promise<string[]> {
  const { document } = await parsed(file);
  const { services = {} } = (document.toJS() ?? {}) as WrittenServices;
  const pattern = new RegExp(`\\$(\\{${variable}\\b|${variable}\\b)`);
  return Object.keys(services).filter((name) => pattern.test(String(services[name]?.image ?? '')));
}

/** Leaves every other byte of the file as it is. */
export async function setWrittenImage(file: string, service: string, image: string): Promise<void> {
  const found = await imageAt(file, service);
  if (found === undefined) throw new Undetermined(`${file} gives ${service} no image`);
  const { text, scalar } = found;
  const [begin = 0, end = 0] = scalar.range ?? [];
  const quote = /^["']/.exec(text.slice(begin, end))?.[0] ?? '';
  replaceFile(file, text, `${text.slice(0, begin)}${quote}${image}${quote}${text.slice(end)}`);
}

async function imageAt(
  file: string,
  service: string,
): Promise<{ text: string; scalar: Scalar<string> } | undefined> {
  const { text, document } = await parsed(file);
  const { isScalar } = await import('yaml');
  const node = document.getIn(['services', service, 'image'], true);
  if (isScalar<string>(node)) return { text, scalar: node };
  const { services = {} } = (document.toJS() ?? {}) as WrittenServices;
  if (services[service]?.image === undefined) return undefined;
  throw new Undetermined(`the image of ${service} is written elsewhere in ${file}, for other services too`, {
    hint: `write it out as services.${service}.image`,
  });
}

async function parsed(file: string) {
  const text = readText(file);
  if (text === undefined) throw new Undetermined(`there is no compose file ${file}`);
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { merge: true });
  const [problem] = document.errors;
  if (problem !== undefined)
    throw new Undetermined(`the compose file ${file} cannot be read: ${messageOf(problem)}`, {
      cause: problem,
    });
  return { text, document };
}
