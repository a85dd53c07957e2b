import { readProcFile } from '../processes.ts';
import type { ContainerDetails } from './containers.ts';

/** The container's first process as this machine knows it; undefined when it does not run, or its engine is elsewhere. */
export function pidHere({ Id, State }: Pick<ContainerDetails, 'Id' | 'State'>): number | undefined {
  if (State.Pid === 0) return undefined;
  // another machine's process may have the same number as one of ours
  return readProcFile(`/proc/${State.Pid}/cgroup`)?.includes(Id) ? State.Pid : undefined;
}
