import { Command } from 'commander';
import type { LoadPorts } from '../load/ports.ts';
import type { Context } from './context.ts';

type InstallContext = Pick<Context, 'progress' | 'signal' | 'report'> & { loadPorts(): Promise<LoadPorts> };

export function loadInstallK6Command(context: InstallContext): Command {
  return new Command('install-k6')
    .description('get k6 into the cache of examctl, where it is found by itself')
    .addHelpText(
      'after',
      `
It is built with Go, whose checksum database and the pinned sum of this version are asked first; that takes some minutes.
Without Go, the command to type is told. K6_BIN, and a k6 on the PATH, are used before the cache.

Example:
  examctl load install-k6 && examctl load run answers`,
    )
    .action(() => runLoadInstallK6(context));
}

export async function runLoadInstallK6({
  progress,
  signal,
  report,
  loadPorts,
}: InstallContext): Promise<void> {
  const ports = await loadPorts();
  progress.start('building k6, which takes some minutes');
  const { binary, version, wasThere } = await ports.installK6({
    signal,
    onProgress: (text) => progress.update(text),
  });
  progress.done(`k6 ${version}`);
  const text = wasThere ? `k6 ${version} was there already: ${binary}` : `k6 ${version} is now in ${binary}`;
  await report({
    kind: 'load.install-k6',
    data: { binary, version, wasThere },
    blocks: [{ type: 'text', text }],
  });
}
