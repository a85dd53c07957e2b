import type { IntegrityFacts } from '../lifecycle/platform.ts';
import type { Check } from './check.ts';
import { idOfFile, roughCheck } from './checks-from.ts';
import type { PackagedSql } from './index.ts';
import { type CheckFile, lintFile } from './lint/lint-file.ts';
import type { LintProblem } from './lint/problem.ts';

export interface OwnChecks {
  /** one in whose file lint finds an error is there too, and is never sent */
  readonly checks: readonly Check[];
  /** ids that several files have: nobody could tell which is meant */
  readonly doubled: readonly string[];
}

/** The checks of the user's own files. */
export function ownChecks(
  files: readonly CheckFile[],
  { packaged, facts }: { packaged: Pick<PackagedSql, 'checks' | 'classic'>; facts: IntegrityFacts },
): OwnChecks {
  return { checks: files.map((file) => checkOf(file, facts)), doubled: doubledIds(files, packaged) };
}

function checkOf(source: CheckFile, facts: IntegrityFacts): Check {
  // What this frame leaves out would only be warned of.
  const { check, problems } = lintFile(source, { facts, views: [], counted: [], filesOf: new Map() });
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (check !== null && errors.length === 0) return check;
  const broken = { reason: inWords(errors), hint: `examctl integrity lint ${source.file}` };
  return { ...(check ?? roughCheck(source)), broken };
}

function inWords([first, ...others]: readonly LintProblem[]): string {
  if (first === undefined) return 'its file cannot be understood';
  const subject = first.key === 'statement' ? '' : `${first.key}: `;
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  return `not asked, as its file is wrong: ${subject}${first.message} (line ${first.line}${more})`;
}

function doubledIds(
  files: readonly CheckFile[],
  { checks, classic }: Pick<PackagedSql, 'checks' | 'classic'>,
): string[] {
  const shipped = new Map([...checks, ...classic].map(({ file }) => [idOfFile(file), file]));
  const named = new Map(shipped);
  return files.flatMap(({ file, header }) => {
    const { value = '', line = 1 } = header.get('id') ?? {};
    const name = idOfFile(file);
    const [id, other] = named.has(name) ? [name, named.get(name)] : [value, shipped.get(value)];
    named.set(name, file);
    return other === undefined ? [] : [`${file}:${line} id: "${id}" is the id of ${other} too`];
  });
}
