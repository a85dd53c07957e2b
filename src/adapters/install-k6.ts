import { join } from 'node:path';
import { Undetermined } from '../lifecycle/errors.ts';
import { parseK6Version } from './k6.ts';

export interface InstalledK6 {
  readonly binary: string;
  readonly version: string;
  /** nothing had to be built */
  readonly wasThere: boolean;
}

/** By scripts/install-k6.sh, which is pinned to a version and its checksum. */
export async function installK6(
  { root, env }: { readonly root: string; readonly env: Readonly<Record<string, string | undefined>> },
  { signal, onProgress }: { readonly signal: AbortSignal; onProgress(text: string): void },
): Promise<InstalledK6> {
  const { execa } = await import('execa');
  const script = execa('sh', [join(root, 'scripts/install-k6.sh')], {
    env,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    cancelSignal: signal,
    forceKillAfterDelay: 2_000,
  });
  const began = Date.now();
  const told = setInterval(
    () => onProgress(`building k6, for ${Math.round((Date.now() - began) / 1000)} s now`),
    1_000,
  );
  try {
    const { exitCode, stdout, stderr, shortMessage } = await script;
    signal.throwIfAborted();
    if (exitCode !== 0) {
      const [message = shortMessage ?? 'it failed', ...more] = stderr.trim().split('\n');
      throw new Undetermined(`k6 could not be installed: ${message}`, { hint: more.join('\n') });
    }
    const [binary = '', text = ''] = stdout.trim().split('\n').slice(-2);
    const version = parseK6Version(text);
    if (version === undefined)
      throw new Undetermined(`k6 was installed, but does not say its version: "${text}"`);
    return { binary, version, wasThere: stdout.includes('is already there') };
  } finally {
    clearInterval(told);
  }
}
