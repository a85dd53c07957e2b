import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/adapters/package-root.ts';

/** Once before all tests: what is tested is what is written. */
export function setup(): void {
  execFileSync(process.execPath, [join(packageRoot(), 'scripts/build.mjs'), '--no-types'], {
    stdio: 'inherit',
  });
}
