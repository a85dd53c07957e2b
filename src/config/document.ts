import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { messageOf } from '../lifecycle/errors.ts';
import type { Path, Problem } from './problem.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface ConfigDocument {
  readonly data: unknown;
  /** what YAML itself objects to */
  readonly problems: readonly (Problem & Position)[];
  /** false after a syntax error: what was read may be anything, so judging it would only confuse */
  readonly readable: boolean;
  /** of the value, its key, or the nearest thing above it that is in the file */
  locate(path: Path, at?: 'key' | 'value'): Position;
}

export function readDocument(text: string): ConfigDocument {
  const lineCounter = new LineCounter();
  // Pretty errors and logged warnings quote the text, which may hold a secret.
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error', merge: true });
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  const problems = [...document.errors, ...document.warnings]
    .map((error) => ({ ...yamlProblem(document, error, text), ...at(error.pos[0]) }))
    .filter(isFirstOfItsLine);
  let readable = document.errors.every(({ code }) => code === 'DUPLICATE_KEY');
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: 10_000 });
  } catch (error) {
    readable = false;
    if (problems.length === 0) {
      problems.push({ code: 'yaml-syntax', path: [], message: withoutQuote(messageOf(error)), ...at(0) });
    }
  }
  return { data, problems, readable, locate: (path, part) => at(offsetOf(document, path, part)) };
}

function yamlProblem(document: Document, error: YAMLError, text: string): Problem {
  const [offset] = error.pos;
  if (error.code === 'DUPLICATE_KEY') {
    return {
      code: 'duplicate-key',
      path: pathAt(document, offset),
      message: 'the key is written twice',
      hint: 'keep one of them',
    };
  }
  const isReference = text.slice(offset - 1, offset + 1) === '${';
  return {
    code: 'yaml-syntax',
    path: [],
    message: withoutQuote(error.message),
    ...(isReference && { hint: `put the value in quotes: "\${env:NAME}"` }),
  };
}

/** One mistake makes YAML stumble over the rest of the line too. */
function isFirstOfItsLine(
  { code, line }: Problem & Position,
  index: number,
  problems: readonly (Problem & Position)[],
): boolean {
  if (code !== 'yaml-syntax') return true;
  return problems.findIndex((other) => other.code === code && other.line === line) === index;
}

/** After its colon, a message of YAML quotes what stands in the file, which may be a secret. */
function withoutQuote(message: string): string {
  return message.replace(/:\s.*$/s, '');
}

/** The path of the key that starts at an offset. */
function pathAt(document: Document, offset: number): Path {
  let found: Path = [];
  visit(document, {
    Pair(_, pair, ancestors) {
      if (!isScalar(pair.key) || pair.key.range?.[0] !== offset) return undefined;
      const above = ancestors.flatMap((node, index): (string | number)[] => {
        if (isPair(node)) return isScalar(node.key) ? [String(node.key.value)] : [];
        if (!isSeq(node)) return [];
        return [node.items.indexOf(ancestors[index + 1] as (typeof node.items)[number])];
      });
      found = [...above, String(pair.key.value)];
      return visit.BREAK;
    },
  });
  return found;
}

function offsetOf(document: Document, path: Path, part: 'key' | 'value' = 'value'): number {
  let node: unknown = document.contents;
  let key: unknown;
  for (const [index, name] of path.entries()) {
    const target = isAlias(node) ? node.resolve(document) : node;
    let next: unknown;
    if (isMap(target)) {
      const pair = target.items.find((item) => isScalar(item.key) && String(item.key.value) === String(name));
      if (pair === undefined) return startOf(key) ?? startOf(node) ?? 0;
      key = pair.key;
      next = pair.value;
    } else if (isSeq(target)) {
      next = target.items[Number(name)];
      key = next;
    }
    if (next === undefined || next === null) return startOf(key) ?? startOf(node) ?? 0;
    node = next;
    if (index === path.length - 1 && part === 'key') return startOf(key) ?? 0;
  }
  return startOf(node) ?? 0;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
