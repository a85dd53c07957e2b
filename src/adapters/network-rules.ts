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
const separator = '-- queueing disciplines --';

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
  /** rules and queueing disciplines, as text that is equal as long as both do the same */
  read(pid: number, signal?: AbortSignal): Promise<string>;
  /** tries rules in a namespace that is thrown away: null when this kernel and its tools know them, else what they say */
  problemWith(rules: readonly Rule[], table: Table): Promise<string | null>;
}

export function networkRules(): NetworkRules {
  const inside = (pid: number, command: readonly string[], options: RunOptions = {}) =>
    run(['nsenter', '--target', String(pid), '--net', '--', ...command], options);
  const saved = async (pid: number, table: Table, signal?: AbortSignal) =>
    (await inside(pid, ['iptables-save', '--table', table], { signal })).split('\n');
  const isIn = (lines: readonly string[], chain: string) =>
    lines.some((line) => line.startsWith(`:${chain} `));
  const clearTable = async (pid: number, table: Table, chain: string, signal: AbortSignal) => {
    const lines = await saved(pid, table, signal);
    if (!isIn(lines, chain)) return;
    const calls = lines.filter((line) => line.startsWith('-A ') && line.endsWith(`-j ${chain}`));
    const input = [
      `*${table}`,
      ...calls.map((line) => line.replace('-A', '-D')),
      `-F ${chain}`,
      `-X ${chain}`,
      'COMMIT\n',
    ];
    try {
      await inside(pid, ['iptables-restore', '--noflush', '--wait', '5'], {
        input: input.join('\n'),
        signal,
      });
    } catch (error) {
      // a run and its guardian may clear at the same time, and one of them was faster
      if (isIn(await saved(pid, table, signal), chain)) throw error;
    }
  };
  const clear: NetworkRules['clear'] = async (pid, chain, signal) => {
    for (const table of ['nat', 'filter'] as const) await clearTable(pid, table, chain, signal);
  };
  return {
    clear,
    async set(pid, { chain, filter, nat }, signal) {
      await clear(pid, chain, signal);
      for (const [table, rules] of [
        ['filter', filter],
        ['nat', nat],
      ] as const) {
        if (rules.length === 0) continue;
        const input = [
          `*${table}`,
          `:${chain} - [0:0]`,
          ...rules.map((rule) => ['-A', chain, ...rule].join(' ')),
          ...calledFrom[table].map((from) => `-I ${from} -j ${chain}`),
          'COMMIT\n',
        ];
        await inside(pid, ['iptables-restore', '--noflush', '--wait', '5'], {
          input: input.join('\n'),
          signal,
        });
      }
    },
    async has(pid, chain) {
      const lines = [...(await saved(pid, 'filter')), ...(await saved(pid, 'nat'))];
      return isIn(lines, chain);
    },
    async met(pid, chain, signal) {
      const packets = new Map<string, number>();
      for (const table of ['filter', 'nat'] as const) {
        const text = await inside(pid, ['iptables-save', '--counters', '--table', table], { signal });
        for (const [, count, from = ''] of text.matchAll(
          new RegExp(`^\\[(\\d+):\\d+\\] -A ${chain} -s ([\\d.]+)/32`, 'gm'),
        )) {
          packets.set(from, (packets.get(from) ?? 0) + Number(count));
        }
      }
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
    async read(pid, signal) {
      // one process instead of two, as each look at an environment asks every container
      const text = await inside(pid, ['sh', '-c', `iptables-save && echo '${separator}' && tc qdisc show`], {
        signal,
      });
      const [rules = '', disciplines = ''] = text.split(separator);
      return [...rules.split('\n').filter(doesSomething), disciplines.trim()].join('\n');
    },
    async problemWith(rules, table) {
      const { execa } = await import('execa');
      const [where] = calledFrom[table];
      const script = [`*${table}`, ...rules.map((rule) => ['-A', where, ...rule].join(' ')), 'COMMIT\n'];
      const { failed, stderr, shortMessage } = await execa(
        'unshare',
        ['--net', '--', 'iptables-restore', '--noflush'],
        {
          input: script.join('\n'),
          reject: false,
          timeout: 10_000,
        },
      );
      return failed ? stderr.trim().split('\n')[0] || (shortMessage ?? 'it failed') : null;
    },
  };
}

/** Of what iptables-save prints: rules, chains of someone's own, and policies that are not the usual one. Docker's own name service has other ports after each start. */
function doesSomething(line: string): boolean {
  if (line.includes('DOCKER_')) return false;
  if (line.startsWith('-A ')) return true;
  return line.startsWith(':') && !line.includes(' ACCEPT ');
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
      hint: 'it takes root, util-linux and iptables on the machine of the engine',
      cause: error,
    });
  }
}
