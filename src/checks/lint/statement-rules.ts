import type { FoundProblem } from './problem.ts';
import { isSymbol, isWord, nameOf, sqlTokens, type Token } from './sql-tokens.ts';

/**
 * What is wrong with the statement of a check file, as far as its text tells. The READ ONLY transaction refuses most of
 * it too, but only when the check runs; and a function that stops others is no write.
 */
export function statementProblems(
  fileText: string,
  { platformTables }: { platformTables: readonly string[] },
): FoundProblem[] {
  const { tokens, unclosed } = sqlTokens(fileText);
  const problems = statementsOf(tokens).flatMap((statement, index) => [
    ...(index === 0 ? [] : [moreThanOne(statement)]),
    ...notASelect(statement),
    ...unbalanced(statement),
    ...writes(statement),
    ...locksRows(statement),
    ...selectsInto(statement),
    ...callsForbidden(statement),
    ...hidesNames(statement),
    ...takesParameters(statement),
    ...qualifiesTables(statement, platformTables),
    ...selectsStar(statement),
  ]);
  if (unclosed !== null) {
    const { what, line } = unclosed;
    problems.push(error('unclosed', line, `the ${what} that begins here is never closed`));
  }
  return problems;
}

function error(code: string, line: number, message: string, hint?: string): FoundProblem {
  const problem = { code, severity: 'error' as const, line, key: 'statement', message };
  return hint === undefined ? problem : { ...problem, hint };
}

function statementsOf(tokens: readonly Token[]): Token[][] {
  const statements: Token[][] = [[]];
  for (const token of tokens) {
    if (isSymbol(token, ';')) statements.push([]);
    else statements.at(-1)?.push(token);
  }
  return statements.filter((statement) => statement.length > 0);
}

function moreThanOne([first]: readonly Token[]): FoundProblem {
  const hint = 'a check is one statement: make a file of its own of it';
  return error('second-statement', first?.line ?? 1, 'a second statement begins here', hint);
}

const oneSelect = 'a check is one SELECT, or WITH ... SELECT: it asks, and changes nothing';
const writing = ['insert', 'update', 'delete', 'merge'];

function notASelect(statement: readonly Token[]): FoundProblem[] {
  const first = statement.find((token) => !isSymbol(token, '('));
  if (first === undefined || isWord(first, 'select', 'with', ...writing)) return [];
  return [error('not-a-select', first.line, `begins with ${shown(first)}`, oneSelect)];
}

/** It is put between parentheses when it runs, and must not close them. */
function unbalanced(statement: readonly Token[]): FoundProblem[] {
  const open: Token[] = [];
  for (const token of statement) {
    if (isSymbol(token, '(')) open.push(token);
    if (isSymbol(token, ')') && open.pop() === undefined)
      return [error('unclosed', token.line, 'this ")" closes nothing')];
  }
  return open.slice(0, 1).map(({ line }) => error('unclosed', line, 'this "(" is never closed'));
}

/** INSERT, UPDATE, DELETE and MERGE are names, too; a statement of them begins after nothing or a parenthesis. */
function writes(statement: readonly Token[]): FoundProblem[] {
  return statement.flatMap((token, index) => {
    const [before, after] = [statement[index - 1], statement[index + 1]];
    if (!isWord(token, ...writing)) return [];
    if (before !== undefined && !isSymbol(before, '(', ')')) return [];
    if (before !== undefined && nameOf(after) === undefined) return [];
    return [error('writes', token.line, `${shown(token)} changes data`, oneSelect)];
  });
}

function locksRows(statement: readonly Token[]): FoundProblem[] {
  return statement.flatMap((token, index) => {
    if (!isWord(token, 'for')) return [];
    const next = statement.slice(index + 1, index + 4);
    const locks =
      isWord(next[0], 'update', 'share') ||
      (isWord(next[0], 'key') && isWord(next[1], 'share')) ||
      (isWord(next[0], 'no') && isWord(next[1], 'key') && isWord(next[2], 'update'));
    const message = 'locks the rows that it reads: students who answer would wait';
    return locks ? [error('locks', token.line, message, 'leave FOR UPDATE, FOR SHARE out')] : [];
  });
}

/** INTO is a reserved word: it stands in an INSERT, a MERGE, or makes a table. */
function selectsInto(statement: readonly Token[]): FoundProblem[] {
  return statement.flatMap((token, index) =>
    isWord(token, 'into') && !isWord(statement[index - 1], 'insert', 'merge')
      ? [error('writes', token.line, 'SELECT INTO makes a table', oneSelect)]
      : [],
  );
}

const forbidden: readonly { readonly functions: RegExp; readonly does: string }[] = [
  { functions: /^(nextval|setval)$/, does: 'moves a sequence on' },
  { functions: /^pg_(terminate|cancel)_backend$/, does: 'stops what others do' },
  { functions: /^pg_sleep/, does: 'waits while it holds the snapshot' },
  { functions: /^dblink/, does: 'goes past the READ ONLY transaction' },
  {
    functions: /^(lo_.*|lowrite|loread)$/,
    does: 'works with large objects, which are written past all tables',
  },
  { functions: /^pg_(try_)?advisory_/, does: 'takes or gives back locks that others rely on' },
  {
    functions: /^(set_config|pg_reload_conf|pg_rotate_logfile)$/,
    does: 'changes settings of the run or the server',
  },
  { functions: /^(pg_notify|pg_logical_emit_message)$/, does: 'sends messages to others' },
  { functions: /^pg_logical_slot_get_/, does: 'takes changes that another one waits for' },
  {
    functions: /^((query|cursor|table|schema|database)_to_xml|ts_stat$)/,
    does: 'runs a statement that cannot be read here',
  },
  { functions: /^pg_(read_(binary_)?file|ls_\w+|stat_file)$/, does: "reads the server's files" },
  {
    functions:
      /^pg_(switch_wal|promote|backup_|create_|drop_|wal_replay_|replication_|stat_(\w+_)?reset|export_snapshot)/,
    does: 'operates the server',
  },
];

/** Its escapes could hide any of the names that are looked for. */
function hidesNames(statement: readonly Token[]): FoundProblem[] {
  return statement
    .filter(({ kind, escapes }) => kind === 'name' && escapes === true)
    .map(({ line }) =>
      error('hidden-name', line, 'a name is written with U&: it cannot be read here', 'write it as it is'),
    );
}

function callsForbidden(statement: readonly Token[]): FoundProblem[] {
  return calledFunctions(statement).flatMap(({ text, line }) => {
    const rule = forbidden.find(({ functions }) => functions.test(text));
    if (rule === undefined) return [];
    return [error('forbidden-function', line, `${text}() ${rule.does}`, 'a check only reads: leave it out')];
  });
}

/** Names before a parenthesis; of these, keywords and lists of columns are none. */
export function calledFunctions(tokens: readonly Token[]): Token[] {
  return tokens.filter((token, index) => nameOf(token) !== undefined && isSymbol(tokens[index + 1], '('));
}

function takesParameters(statement: readonly Token[]): FoundProblem[] {
  const hint = '--since and the other windows are applied from outside: select from the bare tables';
  return statement
    .filter(({ kind }) => kind === 'parameter')
    .map(({ text, line }) => error('parameter', line, `${text}: a check has no parameters`, hint));
}

function qualifiesTables(statement: readonly Token[], tables: readonly string[]): FoundProblem[] {
  return statement.flatMap((token, index) => {
    const table = nameOf(token);
    const [schema, dot] = [statement[index - 2], statement[index - 1]];
    if (table === undefined || !tables.includes(table)) return [];
    if (!isSymbol(dot, '.') || nameOf(schema) === undefined) return [];
    const written = `${nameOf(schema)}.${table}`;
    const message = `with its schema, ${written} is the whole table whatever the window is`;
    return [error('qualified-table', token.line, message, `write ${table}`)];
  });
}

/** Of the findings themselves; within the statement it harms nobody. */
function selectsStar(statement: readonly Token[]): FoundProblem[] {
  let depth = 0;
  return statement.flatMap((token, index) => {
    if (isSymbol(token, '(')) depth += 1;
    if (isSymbol(token, ')')) depth -= 1;
    const before = statement[index - 1];
    const isStar =
      isSymbol(token, '*') && (isWord(before, 'select', 'all', 'distinct') || isSymbol(before, ',', '.'));
    if (!isStar || depth > 0) return [];
    const message = 'SELECT * returns whatever columns the table happens to have';
    const hint = 'name the columns of the header, in their order';
    return [{ ...error('select-star', token.line, message, hint), severity: 'warn' as const }];
  });
}

function shown({ kind, text }: Token): string {
  return kind === 'word' ? text.toUpperCase() : text;
}
