import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const controller = '/sys/fs/cgroup/cpu';
const group = '/examctl-tests-low';

/**
 * From now on this process and what it starts get what all others leave of the processors. By a control group, for which
 * it takes root: a nice value counts within a session only, and each sandbox and engine has one of its own. Returns the
 * parent for control groups of containers; where there can be none, all share alike.
 */
export function yieldToOthers(): string | undefined {
  try {
    mkdirSync(join(controller, group), { recursive: true });
    writeFileSync(join(controller, group, 'cpu.idle'), '1');
    writeFileSync(join(controller, group, 'cgroup.procs'), String(process.pid));
    return group;
  } catch {
    return undefined;
  }
}
