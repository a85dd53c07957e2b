import { setMaxListeners } from 'node:events';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';

/** One rule of iptables, without its chain: ["--source", "10.0.0.2", "--jump", "DROP"]. */
export type Rule = readonly string[];

/** A chain of examctl's own in one network namespace, and where it is called from. */
export interface RuleSet {
  readonly chain: string;
  readonly filter: readonly Rule[];
  /** rules of the nat table, for what comes in */
  readonly nat: readonly Rule[];
}

const calledFrom = { filter: ['INPUT', 'OUTPUT'], nat: ['PREROUTING'] } as const;

const marks = {
  of: '-- process',
  disciplines: '-- queueing disciplines --',
  failed: '-- failed --',
} as const;
/** One program instead of one for each process, as each look at an environment asks every container. */
const reading = `for pid in "$@"; do
  echo "${marks.of} $pid"
  nsenter --target "$pid" --net -- sh -c "iptables-save && echo '${marks.disciplines}' && exec tc qdisc show" || echo '${marks.failed}'
done`;

type Table = keyof typeof calledFrom;

/**
 * Packet rules in the network namespace of a process. Each table is changed in one step, so that whoever is killed in
 * the middle leaves all of a table's rules or none.
 */
export interface NetworkRules {
  /** replaces those of the same chain */
  set(pid: number, rules: RuleSet, signal: AbortSignal): Promise<void>;
  clear(pid: number, chain: string, signal: AbortSignal): Promise<void>;
  has(pid: number, chain: string): Promise<boolean>;
  /** how many packets of each source address that a rule of the chain names have met it so far */
  met(pid: number, chain: string, signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
  /**
   * Resets the open TCP connections between a local port and these addresses, where the kernel can: at once, so that a
   * pool throws away those that are idle, instead of at their next use.
   */
  resetConnections(pid: number, port: number, addresses: readonly string[]): Promise<void>;
  /**
   * Rules and queueing disciplines of each process, as text that is equal as long as both do the same; an error for a
   * process that could not be asked.
   */
  read(pids: readonly number[], signal?: AbortSignal): Promise<ReadonlyMap<number, string | Undetermined>>;
  /** tries rules in a namespace that is thrown away: null when this kernel and its tools know them, else what they say */
  problemWith(rules: readonly Rule[], table: Table): Promise<string | null>;
}

export function networkRules(): NetworkRules {
  const inside = (pid: number, command: readonly string[], options: RunOptions = {}) =>
    run(['nsenter', '--target', String(pid), '--net', '--', ...command], options);
  const saved = async (pid: number, signal?: AbortSignal) =>
    tablesOf(await inside(pid, ['iptables-save'], { signal }));
  const restore = (pid: number, tables: readonly string[], signal: AbortSignal) =>
    inside(pid, ['iptables-restore', '--noflush', '--wait', '5'], { input: tables.join(''), signal });
  const clear: NetworkRules['clear'] = async (pid, chain, signal) => {
    const has = ({ lines }: SavedTable) => isIn(lines, chain);
    const tables = (await saved(pid, signal)).filter(has);
    if (tables.length === 0) return;
    const without = tables.map(({ name, lines }) => {
      const calls = lines.filter((line) => line.startsWith('-A ') && line.endsWith(`-j ${chain}`));
      return script(name, [...calls.map((line) => line.replace('-A', '-D')), `-F ${chain}`, `-X ${chain}`]);
    });
    try {
      await restore(pid, without, signal);
    } catch (error) {
      // a run and its guardian may clear at the same time, and one of them was faster
      if ((await saved(pid, signal)).some(has)) throw error;
    }
  };
  return {
    clear,
    async set(pid, { chain, ...rules }, signal) {
      await clear(pid, chain, signal);
      const tables = (['filter', 'nat'] as const).filter((table) => rules[table].length > 0);
      const withRules = tables.map((table) =>
        script(table, [
          `:${chain} - [0:0]`,
          ...rules[table].map((rule) => ['-A', chain, ...rule].join(' ')),
          ...calledFrom[table].map((from) => `-I ${from} -j ${chain}`),
        ]),
      );
      await restore(pid, withRules, signal);
    },
    async has(pid, chain) {
      return (await saved(pid)).some(({ lines }) => isIn(lines, chain));
    },
    async met(pid, chain, signal) {
      const packets = new Map<string, number>();
      const text = await inside(pid, ['iptables-save', '--counters'], { signal });
      const counted = new RegExp(`^\\[(\\d+):\\d+\\] -A ${chain} -s ([\\d.]+)/32`, 'gm');
      for (const [, count, from = ''] of text.matchAll(counted))
        packets.set(from, (packets.get(from) ?? 0) + Number(count));
      return packets;
    },
    async resetConnections(pid, port, addresses) {
      const { execa } = await import('execa');
      const to = addresses.flatMap((address, index) => [...(index === 0 ? [] : ['or']), 'dst', address]);
      const filter = ['sport', '=', `:${port}`, 'and', '(', ...to, ')'];
      // without ss, or without INET_DIAG_DESTROY in the kernel, a rule that resets what still comes does the rest
      await execa('nsenter', ['--target', String(pid), '--net', '--', 'ss', '--kill', '--tcp', ...filter], {
        reject: false,
        timeout: 10_000,
      });
    },
    async read(pids, signal) {
      if (pids.length === 0) return new Map();
      const { said, complaints } = await readAll(pids, signal);
      const answers = said.split(`${marks.of} `).slice(1);
      return new Map(
        answers.map((answer) => {
          const [pid = '', ...lines] = answer.split('\n');
          return [Number(pid), lines.includes(marks.failed) ? notRead(pid, complaints) : normalized(lines)];
        }),
      );
    },
    async problemWith(rules, table) {
      const { execa } = await import('execa');
      const [where] = calledFrom[table];
      const { failed, stderr, shortMessage } = await execa(
        'unshare',
        ['--net', '--', 'iptables-restore', '--noflush'],
        {
          input: script(
            table,
            rules.map((rule) => ['-A', where, ...rule].join(' ')),
          ),
          reject: false,
          timeout: 10_000,
        },
      );
      return failed ? stderr.trim().split('\n')[0] || (shortMessage ?? 'it failed') : null;
    },
  };
}

interface SavedTable {
  readonly name: string;
  readonly lines: readonly string[];
}

/** Of what iptables-save prints. */
function tablesOf(text: string): SavedTable[] {
  const tables = text.split(/^\*/m).slice(1);
  return tables.map((table) => {
    const [name = '', ...lines] = table.split('\n');
    return { name, lines };
  });
}

function isIn(lines: readonly string[], chain: string): boolean {
  return lines.some((line) => line.startsWith(`:${chain} `));
}

/** For iptables-restore, which carries out each table in one step. */
function script(table: string, lines: readonly string[]): string {
  return [`*${table}`, ...lines, 'COMMIT\n'].join('\n');
}

function normalized(lines: readonly string[]): string {
  const end = lines.indexOf(marks.disciplines);
  return [
    ...lines.slice(0, end).filter(doesSomething),
    lines
      .slice(end + 1)
      .join('\n')
      .trim(),
  ].join('\n');
}

/** Of what iptables-save prints: rules, chains of someone's own, and policies that are not the usual one. Docker's own name service has other ports after each start. */
function doesSomething(line: string): boolean {
  if (line.includes('DOCKER_')) return false;
  if (line.startsWith('-A ')) return true;
  return line.startsWith(':') && !line.includes(' ACCEPT ');
}

const takes = 'it takes root, util-linux, iptables and iproute2 on the machine of the engine';

async function readAll(pids: readonly number[], signal: AbortSignal | undefined) {
  const { execa } = await import('execa');
  const { stdout, stderr, failed, shortMessage } = await execa(
    'sh',
    ['-c', reading, 'sh', ...pids.map(String)],
    {
      stdin: 'ignore',
      reject: false,
      timeout: 20_000,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    },
  );
  signal?.throwIfAborted();
  if (failed)
    throw new Undetermined(`packet rules could not be read: ${stderr.trim() || shortMessage}`, {
      hint: takes,
    });
  return { said: stdout, complaints: stderr.trim() };
}

function notRead(pid: string, complaints: string): Undetermined {
  return new Undetermined(`the packet rules of process ${pid} could not be read: ${complaints}`, {
    hint: takes,
  });
}

interface RunOptions {
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
}

async function run(
  [program = '', ...args]: readonly string[],
  { input, signal }: RunOptions,
): Promise<string> {
  const { execa } = await import('execa');
  // each container of an environment is asked at the same time
  if (signal !== undefined) setMaxListeners(0, signal);
  try {
    const { stdout } = await execa(program, args, {
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
      ...(signal === undefined ? {} : { cancelSignal: signal }),
      timeout: 20_000,
    });
    return stdout;
  } catch (error) {
    signal?.throwIfAborted();
    const { stderr } = error as { stderr?: string };
    throw new Undetermined(`${program} ${args.join(' ')} failed: ${stderr?.trim() || messageOf(error)}`, {
      hint: takes,
      cause: error,
    });
  }
}
