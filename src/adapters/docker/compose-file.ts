import type { Document, Scalar } from 'yaml';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { readText } from '../files.ts';
import { replaceFile } from '../replace-file.ts';

export interface WrittenImage {
  /** variables and all */
  readonly text: string;
  /** false: it is written elsewhere in the file, for other services too */
  readonly isOwn: boolean;
}

/** `image` of a service; undefined when the file does not give one. */
export async function writtenImage(file: string, service: string): Promise<WrittenImage | undefined> {
  const { document } = await parsed(file);
  const text = ((document.toJS({ maxAliasCount: -1 }) ?? {}) as WrittenServices).services?.[service]?.image;
  if (typeof text !== 'string') return undefined;
  return { text, isOwn: (await scalarOf(document, service)) !== undefined };
}

export async function serviceNames(file: string): Promise<string[]> {
  const { document } = await parsed(file);
  return Object.keys(((document.toJS({ maxAliasCount: -1 }) ?? {}) as WrittenServices).services ?? {});
}

interface WrittenServices {
  readonly services?: Readonly<Record<string, { readonly image?: unknown } | null>>;
}

/** Names of services whose image is written with the variable. */
export async function servicesWith(file: string, variable: string): Promise<string[]> {
  const { document } = await parsed(file);
  const { services = {} } = (document.toJS({ maxAliasCount: -1 }) ?? {}) as WrittenServices;
  const pattern = new RegExp(`\\$(\\{${variable}\\b|${variable}\\b)`);
  return Object.keys(services).filter((name) => pattern.test(String(services[name]?.image ?? '')));
}

/** Leaves every other byte of the file as it is. */
export async function setWrittenImage(file: string, service: string, image: string): Promise<void> {
  const { text, document } = await parsed(file);
  const scalar = await scalarOf(document, service);
  if (scalar === undefined) throw notOwn(file, service);
  const [begin = 0, end = 0] = scalar.range ?? [];
  const quote = /^["']/.exec(text.slice(begin, end))?.[0] ?? '';
  replaceFile(file, text, `${text.slice(0, begin)}${quote}${image}${quote}${text.slice(end)}`);
}

export function notOwn(file: string, service: string): Undetermined {
  return new Undetermined(`the image of ${service} is written elsewhere in ${file}, for other services too`, {
    hint: `write it out as services.${service}.image`,
  });
}

async function scalarOf(document: Document, service: string): Promise<Scalar<string> | undefined> {
  const { isScalar } = await import('yaml');
  const node = document.getIn(['services', service, 'image'], true);
  return isScalar<string>(node) ? node : undefined;
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
