import { dirname } from 'node:path';
import { type BuildContext, buildChecks, buildConfig } from './build.ts';
import { type ConfigDocument, readDocument } from './document.ts';
import { chainOf, withParents } from './inherit.ts';
import {
  formatPath,
  inFileOrder,
  type LocatedProblem,
  type Path,
  type Problem,
  startsWith,
} from './problem.ts';
import { brokenEnvironmentRules, brokenFileRules, suspicions } from './rules.ts';
import { configSchema, type WrittenConfig } from './schema.ts';
import type { CheckSettings, Config, Variables } from './settings.ts';
import { shapeProblems, valueAt } from './shape-problems.ts';

export interface ConfigText {
  readonly text: string;
  /** absolute */
  readonly file: string;
  /** how messages call the file */
  readonly shownAs: string;
  readonly env: Variables;
}

export type ReadResult =
  | { readonly config: Config; readonly problems: readonly [] }
  /** `file` is absolute */
  | {
      readonly config: undefined;
      readonly file: string;
      readonly problems: readonly LocatedProblem[];
      /** as far as they are sound */
      readonly checks?: CheckSettings;
    };

/** Shape, then relations, then values; all problems of the file at once, in its order. */
export function readConfigText({ text, file, shownAs, env }: ConfigText): ReadResult {
  const document = readDocument(text);
  const locate = locator(document, shownAs);
  const ofYaml = document.problems.map((problem) => located(problem, problem, shownAs));
  if (!document.readable) return { config: undefined, file, problems: ofYaml };

  const { written, problems } = judge(withoutExtensions(document.data));
  const folder = dirname(file);
  const where: BuildContext['where'] = (path, at) => {
    const { line, column } = document.locate(path, at);
    return `${shownAs}:${line}:${column}`;
  };
  if (written === undefined || problems.length > 0 || ofYaml.length > 0) {
    return {
      config: undefined,
      file,
      problems: inFileOrder([...ofYaml, ...problems.map(locate)]),
      ...(written === undefined ? {} : { checks: buildChecks(written.checks, { folder, where }) }),
    };
  }
  const context: BuildContext = {
    file,
    folder,
    env,
    where,
    warnings: inFileOrder(suspicions(written.environments).map(locate)),
  };
  return { config: buildConfig(written, context), problems: [] };
}

/** Keys that begin with x- are for whoever writes the file: what anchors refer to, as in compose files. */
function withoutExtensions(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return data;
  return Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith('x-')));
}

/** Rules are also tried on what is left when the malformed parts are taken out, so that one mistake hides no other. */
function judge(data: unknown): { written: WrittenConfig | undefined; problems: Problem[] } {
  const parsed = configSchema.safeParse(data);
  const ofShape = parsed.success ? [] : shapeProblems(parsed.error.issues, data);
  const written = parsed.success ? parsed.data : parseSoundParts(data);
  if (written === undefined) return { written, problems: ofShape };

  const { environments } = written;
  const ofEnvironments = Object.keys(environments).flatMap((name) => {
    const chain = chainOf(name, environments);
    // With its parent unknown, all that it may have inherited would be called missing.
    if (environments[chain.at(-1) ?? '']?.extends !== undefined) return [];
    return brokenEnvironmentRules(withParents(name, environments)).filter(
      ({ path }) => !chain.some((member) => isMalformed(ofShape, ['environments', member, path[2] ?? ''])),
    );
  });
  const ofFile = brokenFileRules(written).filter(({ path }) => !isMalformed(ofShape, path));
  return { written, problems: [...ofShape, ...ofFile, ...ofEnvironments] };
}

/** Something in this part was taken out, so a rule that misses it there says nothing new. */
function isMalformed(problems: readonly Problem[], part: Path): boolean {
  return problems.some(({ path }) => startsWith(path, part) || startsWith(part, path));
}

/** Removing a part may leave its parent incomplete, hence the rounds. */
function parseSoundParts(data: unknown): WrittenConfig | undefined {
  const rest = structuredClone(data);
  for (let round = 0; round < 8; round++) {
    const parsed = configSchema.safeParse(rest);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const path = issue.path as Path;
      if (issue.code === 'unrecognized_keys') for (const key of issue.keys) remove(rest, [...path, key]);
      else remove(rest, path);
    }
  }
  return undefined;
}

/** Takes a value out; a whole list instead of an item, whose removal would shift the others; the parent of what is missing. */
function remove(data: unknown, path: Path): void {
  const list = path.findIndex((part) => typeof part === 'number');
  const target = list === -1 ? path : path.slice(0, list);
  const parentPath = target.slice(0, -1);
  const parent = valueAt(data, parentPath);
  const key = target.at(-1);
  if (key === undefined || typeof parent !== 'object' || parent === null) return;
  if (Object.hasOwn(parent, key)) Reflect.deleteProperty(parent, key);
  else remove(data, parentPath);
}

function locator(document: ConfigDocument, file: string) {
  return (problem: Problem): LocatedProblem =>
    located(problem, document.locate(problem.path, problem.at), file);
}

function located(problem: Problem, position: { line: number; column: number }, file: string): LocatedProblem {
  const { code, path, message, hint } = problem;
  const { line, column } = position;
  return { code, file, line, column, path: formatPath(path), message, ...(hint !== undefined && { hint }) };
}
