import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';

/** Moves this process into the control groups of another one: of version 2 the only one, of version 1 those of the controllers. */
export function joinControlGroups(pid: number, controllers: readonly string[]): void {
  for (const folder of controlGroupsOf(pid, controllers))
    writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
}

/** Folders under /sys/fs/cgroup. */
export function controlGroupsOf(pid: number, controllers: readonly string[]): string[] {
  const folders = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      if (names === '') return [join(root, path), join(root, 'unified', path)];
      const own = names.split(',');
      return own.some((name) => controllers.includes(name))
        ? [join(root, names, path), ...own.map((name) => join(root, name, path))]
        : [];
    })
    .filter((folder) => existsSync(join(folder, 'cgroup.procs')));
  const [first, ...others] = folders;
  if (first === undefined) throw new Error(`the control groups of process ${pid} are not to be found`);
  // on a mixed machine the folder of version 2 has no controllers
  const versionOne = [first, ...others].filter((folder) => !folder.startsWith(join(root, 'unified')));
  return versionOne.length > 0 ? versionOne : [first];
}
