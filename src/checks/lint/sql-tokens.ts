/** `word`: a keyword or a plain name, `name`: a quoted one, `symbol`: one character of an operator or punctuation. */
export type TokenKind = 'word' | 'name' | 'string' | 'number' | 'parameter' | 'symbol';

export interface Token {
  readonly kind: TokenKind;
  /** as PostgreSQL understands it: words in lower case, names without their quotes, strings as written */
  readonly text: string;
  /** from 1 */
  readonly line: number;
  /** a name that is written U&"..." */
  readonly escapes?: true;
}

/** Something that was opened and never closed; the rest of the text belongs to it. */
export interface Unclosed {
  readonly what: 'comment' | 'string' | 'quoted name';
  readonly line: number;
}

export interface SqlTokens {
  readonly tokens: readonly Token[];
  readonly unclosed: Unclosed | null;
}

interface Lexeme {
  readonly kind: TokenKind | 'blank' | 'comment';
  /** where the next one begins; -1: it is never closed */
  readonly end: number;
}

/** The text of SQL as PostgreSQL reads it (standard_conforming_strings on), without its comments. */
export function sqlTokens(sql: string): SqlTokens {
  const tokens: Token[] = [];
  let line = 1;
  for (let at = 0; at < sql.length; ) {
    const { kind, end } = lexemeAt(sql, at);
    if (end === -1) return { tokens, unclosed: { what: wordFor(kind), line } };
    const text = sql.slice(at, end);
    if (kind !== 'blank' && kind !== 'comment')
      tokens.push({
        kind,
        text: understood(kind, text),
        line,
        ...(isEscaped(kind, text) && { escapes: true }),
      });
    line += text.split('\n').length - 1;
    at = end;
  }
  return { tokens, unclosed: null };
}

const blank = /\s+/y;
const lineComment = /--[^\r\n]*/y;
const openString = /(?:[bBeExXnN]|[uU]&)?'/y;
const openName = /(?:[uU]&)?"/y;
const openDollars = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const parameter = /\$\d+/y;
const number = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;

function lexemeAt(sql: string, at: number): Lexeme {
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0];
  };
  const ofLength = (kind: Lexeme['kind'], text: string) => ({ kind, end: at + text.length });

  const space = match(blank);
  if (space !== undefined) return ofLength('blank', space);
  // A carriage return ends it, too.
  const comment = match(lineComment);
  if (comment !== undefined) return ofLength('comment', comment);
  if (sql.startsWith('/*', at)) return { kind: 'comment', end: endOfComment(sql, at) };
  const string = match(openString);
  if (string !== undefined) {
    const escapes = /^e/i.test(string);
    return { kind: 'string', end: endOfQuotes(sql, at + string.length, "'", escapes) };
  }
  const name = match(openName);
  if (name !== undefined) return { kind: 'name', end: endOfQuotes(sql, at + name.length, '"', false) };
  const dollars = match(openDollars);
  if (dollars !== undefined) {
    const close = sql.indexOf(dollars, at + dollars.length);
    return { kind: 'string', end: close === -1 ? -1 : close + dollars.length };
  }
  for (const [kind, pattern] of [
    ['parameter', parameter],
    ['number', number],
    ['word', word],
  ] as const) {
    const text = match(pattern);
    if (text !== undefined) return ofLength(kind, text);
  }
  return { kind: 'symbol', end: at + 1 };
}

/** Comments nest. */
function endOfComment(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length; ) {
    if (sql.startsWith('/*', at)) {
      depth += 1;
      at += 2;
    } else if (sql.startsWith('*/', at)) {
      depth -= 1;
      at += 2;
      if (depth === 0) return at;
    } else at += 1;
  }
  return -1;
}

/** A doubled quote stands for itself, and in E'...' so does one after a backslash. */
function endOfQuotes(sql: string, start: number, quote: string, escapes: boolean): number {
  for (let at = start; at < sql.length; at += 1) {
    if (escapes && sql[at] === '\\') at += 1;
    else if (sql[at] === quote) {
      if (sql[at + 1] !== quote) return at + 1;
      at += 1;
    }
  }
  return -1;
}

function isEscaped(kind: TokenKind, text: string): boolean {
  return kind === 'name' && !text.startsWith('"');
}

function understood(kind: TokenKind, text: string): string {
  if (kind === 'word') return text.toLowerCase();
  if (kind !== 'name') return text;
  return text.slice(text.indexOf('"') + 1, -1).replaceAll('""', '"');
}

function wordFor(kind: Lexeme['kind']): Unclosed['what'] {
  if (kind === 'comment' || kind === 'string') return kind;
  return 'quoted name';
}

/** Whether it is this keyword; a quoted name never is. */
export function isWord(token: Token | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text);
}

export function isSymbol(token: Token | undefined, ...symbols: readonly string[]): boolean {
  return token?.kind === 'symbol' && symbols.includes(token.text);
}

/** The name that it may be: of a table, column or function. */
export function nameOf(token: Token | undefined): string | undefined {
  return token?.kind === 'word' || token?.kind === 'name' ? token.text : undefined;
}
