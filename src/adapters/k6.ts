import { constants, rmSync } from 'node:fs';
import { access, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';
import { said } from '../lifecycle/redact.ts';
import { homeFolder } from './account.ts';
import { type K6Failure, type K6Sample, parseK6Failure, parseK6Point, parseK6Vus } from './k6-samples.ts';
import { proxyFor, trustedCertificates } from './network-way.ts';
import { processStat } from './processes.ts';

const installHint = 'examctl load install-k6 installs it; or set K6_BIN; or run with --engine builtin';

export interface K6Places {
  readonly K6_BIN?: string | undefined;
  readonly PATH?: string | undefined;
  readonly XDG_CACHE_HOME?: string | undefined;
}

/** K6_BIN alone when it is set, else what the PATH has, else what scripts/install-k6.sh has put into the cache. */
export function k6Candidates({ K6_BIN, PATH = '', XDG_CACHE_HOME }: K6Places): string[] {
  if (K6_BIN !== undefined && K6_BIN !== '') return [K6_BIN];
  const cache = join(XDG_CACHE_HOME || join(homeFolder(), '.cache'), 'examctl', 'bin');
  return [...PATH.split(delimiter).filter((folder) => folder !== ''), cache].map((folder) =>
    join(folder, 'k6'),
  );
}

export async function findK6(
  env: K6Places & Variables,
): Promise<{ binary: string; version: string } | { missing: string; hint: string }> {
  const candidates = k6Candidates(env);
  for (const binary of candidates) {
    if (await isExecutable(binary)) return checkedVersion(binary, env);
  }
  return env.K6_BIN
    ? { missing: `K6_BIN is ${env.K6_BIN}, which cannot be executed`, hint: installHint }
    : { missing: 'no k6 on the PATH or in the cache of examctl', hint: installHint };
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function checkedVersion(binary: string, env: Variables) {
  const { execa } = await import('execa');
  const { stdout, failed, shortMessage } = await execa(binary, ['version'], {
    env: passedEnvironment(env),
    extendEnv: false,
    reject: false,
    timeout: 10_000,
  });
  if (failed) return { missing: `${binary} version: ${said(shortMessage)}`, hint: installHint };
  const version = parseK6Version(stdout);
  if (version === undefined)
    return { missing: `${binary} is not k6: "${said(stdout).slice(0, 60)}"`, hint: installHint };
  if (isSupported(version)) return { binary, version };
  return { missing: `${binary} is k6 ${version}; 1 or 2 is needed`, hint: installHint };
}

export function parseK6Version(text: string): string | undefined {
  return /^k6(?:\.exe)? v?(\d+\.\d+\.\d+)/.exec(text)?.[1];
}

export function isSupported(version: string): boolean {
  return /^[12]\./.test(version);
}

export interface K6Files {
  readonly script: string;
  readonly ledger: string;
  readonly samples: string;
  /** an empty one: that of the user's home would change what the plan does not say, as rps and hosts */
  readonly config: string;
}

/** Nothing goes outside, no port is opened, and what the script logs goes to the ledger and nowhere else. */
export function k6Arguments({ script, ledger, samples, config }: K6Files): string[] {
  return [
    'run',
    '--no-usage-report',
    '--no-color',
    '--address=',
    `--config=${config}`,
    '--log-format=raw',
    `--console-output=${ledger}`,
    `--out=json=${samples}`,
    script,
  ];
}

/**
 * What k6 needs of the environment: folders, language, certificates. Nothing else: it would hand every secret of the
 * shell to whoever may read /proc, and K6_VUS and the like would silently replace what the scenario says.
 */
const passedOn =
  /^(?:PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|SystemRoot|SSL_CERT_FILE|SSL_CERT_DIR|GODEBUG|GOMAXPROCS|GOMEMLIMIT|GOTRACEBACK)$/;

type Variables = Readonly<Record<string, string | undefined>>;

function passedEnvironment(inherited: Variables): Record<string, string> {
  const kept = Object.entries(inherited).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && passedOn.test(entry[0]),
  );
  return Object.fromEntries(kept);
}

/** It goes the way that examctl itself goes to the same address. */
export function k6Environment(
  inherited: Variables,
  files: { readonly plan: string; readonly summary: string },
  way: { readonly proxy: string | null; readonly certificates?: string | undefined } = { proxy: null },
): Record<string, string> {
  return {
    ...passedEnvironment(inherited),
    ...(way.proxy === null ? {} : { HTTP_PROXY: way.proxy, HTTPS_PROXY: way.proxy }),
    ...(way.certificates === undefined ? {} : { SSL_CERT_FILE: way.certificates }),
    K6_NO_USAGE_REPORT: 'true',
    EXAMCTL_LOAD_PLAN: files.plan,
    EXAMCTL_LOAD_SUMMARY: files.summary,
  };
}

export interface K6RunOptions {
  readonly binary: string;
  readonly script: string;
  readonly plan: { readonly baseUrl: string };
  readonly ledgerFile: string;
  readonly signal: AbortSignal;
  readonly timeoutSeconds: number;
  onSample(sample: K6Sample): void;
  onFailure(failure: K6Failure): void;
  onStudents?(count: number): void;
}

const exitCodes = { thresholdsCrossed: 99, interrupted: 105 };

export async function runK6(
  options: K6RunOptions,
  {
    scriptsFolder,
    env,
  }: { readonly scriptsFolder: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<K6Ended & { readonly requests: number | null }> {
  const folder = await mkdtemp(join(tmpdir(), 'examctl-k6-'));
  const files = {
    script: join(scriptsFolder, 'scenarios', `${options.script}.js`),
    ledger: options.ledgerFile,
    samples: join(folder, 'samples.json'),
    plan: join(folder, 'plan.json'),
    summary: join(folder, 'summary.json'),
    config: join(folder, 'config.json'),
  };
  try {
    await writeFile(files.plan, JSON.stringify(options.plan), { mode: 0o600 });
    await writeFile(files.samples, '');
    await writeFile(files.config, '{}');
    const { baseUrl } = options.plan;
    const way = { proxy: proxyFor(baseUrl, env), certificates: await certificatesFor(baseUrl, env, folder) };
    const ending = await runToItsEnd(options, files, k6Environment(env, files, way));
    return { ...ending, requests: await requestsOf(files.summary) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One file with all of them; undefined: those of the system are enough. */
async function certificatesFor(url: string, env: Variables, folder: string): Promise<string | undefined> {
  const trusted = url.startsWith('https:') ? trustedCertificates(env) : undefined;
  if (trusted === undefined) return undefined;
  const file = join(folder, 'certificates.pem');
  await writeFile(file, trusted.join('\n'));
  return file;
}

interface K6Ended {
  readonly thresholdsCrossed: boolean;
  readonly aborted: boolean;
  /** on average; null: not known on this system */
  readonly busyCores: number | null;
}

async function runToItsEnd(
  options: K6RunOptions,
  files: K6Files & { readonly plan: string },
  env: Record<string, string>,
): Promise<K6Ended> {
  const { execa } = await import('execa');
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutSeconds * 1000)]);
  if (signal.aborted) return { thresholdsCrossed: false, aborted: true, busyCores: null };
  // Its progress goes to pipes of ours, so that it dies of SIGPIPE within a second when examctl is killed.
  const k6 = execa(options.binary, k6Arguments(files), {
    env,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    buffer: false,
  });
  k6.stdout.resume();
  const use = watchCores(k6.pid);
  let stderr = '';
  k6.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const stop = () => {
    k6.kill('SIGINT');
    setTimeout(() => k6.kill('SIGKILL'), 4000).unref();
  };
  signal.addEventListener('abort', stop, { once: true });
  const ended = new AbortController();
  let first = true;
  const onLine = (line: string) => {
    const students = parseK6Vus(line);
    if (students !== undefined) return options.onStudents?.(students);
    const failure = parseK6Failure(line);
    if (failure !== undefined) return options.onFailure(failure);
    const sample = parseK6Point(line);
    if (sample === undefined) return;
    // k6 has read the plan by now; its tokens need not lie about any longer.
    if (first) rmSync(files.plan, { force: true });
    first = false;
    options.onSample(sample);
  };
  const reading = readLines(files.samples, ended.signal, onLine);
  // A sample that cannot be kept, on a full disk, ends k6: it would go on unrecorded.
  reading.catch(stop);
  const { exitCode, shortMessage } = await k6;
  const busyCores = use.stop();
  signal.removeEventListener('abort', stop);
  ended.abort();
  await reading;
  const thresholdsCrossed = exitCode === exitCodes.thresholdsCrossed;
  if (exitCode === 0 || thresholdsCrossed || signal.aborted)
    return { thresholdsCrossed, aborted: signal.aborted, busyCores };
  if (exitCode === exitCodes.interrupted) return { thresholdsCrossed, aborted: true, busyCores };
  throw new Undetermined(`k6 could not run ${files.script}: ${lastLines(stderr) || shortMessage}`, {
    hint: 'run it with --engine builtin to see whether it is k6 or the platform',
  });
}

/** Cores that a process keeps busy on average, by its processor time of the last look before it ended. */
function watchCores(pid: number | undefined): { stop(): number | null } {
  const began = performance.now();
  let cores: number | null = null;
  const look = setInterval(() => {
    const ticks = pid === undefined ? undefined : processStat(pid)?.ticks;
    if (ticks !== undefined) cores = ticks / ticksPerSecond / ((performance.now() - began) / 1000);
  }, 100);
  return {
    stop: () => {
      clearInterval(look);
      return cores;
    },
  };
}

/** USER_HZ, the same on every architecture that Node.js runs on. */
const ticksPerSecond = 100;

/** Follows the file while k6 writes it, and reads what is left when k6 has ended. */
async function readLines(file: string, ended: AbortSignal, onLine: (line: string) => void): Promise<void> {
  const handle = await open(file);
  const decoder = new TextDecoder();
  const chunk = Buffer.allocUnsafe(256 * 1024);
  let rest = '';
  try {
    for (;;) {
      const last = ended.aborted;
      for (;;) {
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
        if (bytesRead === 0) break;
        const lines = (rest + decoder.decode(chunk.subarray(0, bytesRead), { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) onLine(line);
      }
      if (last) return;
      await sleep(250, undefined, { signal: ended }).catch(() => undefined);
    }
  } finally {
    await handle.close();
  }
}

async function requestsOf(summaryFile: string): Promise<number | null> {
  try {
    const text = await readFile(summaryFile, 'utf8');
    const { metrics } = JSON.parse(text) as { metrics: { http_reqs?: { values: { count: number } } } };
    return metrics.http_reqs?.values.count ?? 0;
  } catch (error) {
    // A k6 that was killed has written none.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Undetermined(`cannot read the summary of k6: ${messageOf(error)}`, { cause: error });
  }
}

function lastLines(stderr: string): string {
  return stderr.trim().split('\n').slice(-5).join('\n');
}
