import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../src/adapters/state-folder.ts';
import { serverAccount } from '../src/sandbox/account.ts';
import { makeServicesCache } from '../src/sandbox/services-cache.ts';
import { type Bench, Installed, interleaved, milliseconds } from './measure.ts';
import { type PlainServices, plainServices } from './plain-services.ts';

/** Up and down of the whole sandbox, to that of its two servers by a shell script. */
export const sandboxUp: Bench = {
  id: 'sandbox-up',
  title: 'sandbox up (seeded database, cache, 2 backends, edge, jobs), to initdb and two servers by a script',
  run: async ({ smoke }) => {
    const plain = await plainServices();
    const warm = new Installed();
    const colds: string[] = [];
    const seconds = async (action: () => Promise<unknown>) => (await milliseconds(action)) / 1000;
    /** the down of a subject is measured right after its up, and handed out as a subject of its own */
    const pair = (name: string, make: () => Pick<PlainServices, 'up' | 'down'>) => {
      const downs: number[] = [];
      return [
        {
          name: `${name}: up`,
          measure: async () => {
            const { up, down: takeDown } = make();
            const taken = await seconds(up);
            downs.push(await seconds(takeDown));
            return taken;
          },
        },
        {
          name: `${name}: down`,
          baseline: 'script: down',
          measure: async () => downs.at(-1) ?? Number.NaN,
        },
      ];
    };
    const command = (examctl: Installed) => ({
      up: () => examctl.run(['sandbox', 'up']),
      down: () => examctl.run(['sandbox', 'down']),
    });
    try {
      return await interleaved(
        [
          ...pair('script', () => plain),
          ...pair('sandbox, warm cache', () => command(warm)),
          ...pair('sandbox, cold cache', () => {
            const cache = coldCache();
            colds.push(cache);
            return command(new Installed({ XDG_CACHE_HOME: cache, EXAMCTL_STATE: warm.state }));
          }),
        ],
        // the first round fills the warm cache
        { rounds: smoke ? 1 : 5, warmUp: 1, unit: 's' },
      );
    } finally {
      plain.remove();
      await warm.remove();
      for (const cache of colds) rmSync(cache, { recursive: true, force: true });
    }
  },
};

/** With the Redis package, where that was downloaded: the network is not what is measured. */
function coldCache(): string {
  const folder = mkdtempSync(join(tmpdir(), 'examctl-bench-cache-'));
  const own = join(folder, 'examctl');
  mkdirSync(own);
  for (const path of [folder, own]) chmodSync(path, 0o711);
  const account = serverAccount();
  const filled = makeServicesCache(cacheFolder(process.env), account);
  const empty = makeServicesCache(own, account);
  for (const name of readdirSync(filled).filter((entry) => entry.startsWith('redis-')))
    cpSync(join(filled, name), join(empty, name), { recursive: true, verbatimSymlinks: true });
  return folder;
}
