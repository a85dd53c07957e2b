import { readlinkSync } from 'node:fs';
import { readProcFile } from '../processes.ts';
import type { ContainerDetails } from './containers.ts';

type Place = Pick<ContainerDetails, 'Id' | 'State'>;

/** The container's first process as this machine knows it; undefined when it does not run, or its engine is elsewhere. */
export function pidHere({ Id, State }: Place): number | undefined {
  if (State.Pid === 0) return undefined;
  // another machine's process may have the same number as one of ours
  return readProcFile(`/proc/${State.Pid}/cgroup`)?.includes(Id) ? State.Pid : undefined;
}

/** A process that is just ending is still listed, without what it had. */
export function hasEnded(container: Place): boolean {
  const pid = pidHere(container);
  if (pid === undefined) return true;
  try {
    readlinkSync(`/proc/${pid}/ns/net`);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** A container may end, or be started anew, while its processes are looked at: then `ended` is the answer. */
export async function unlessEnded<Answer>(
  container: Place,
  asked: Promise<Answer>,
  ended: Answer,
): Promise<Answer> {
  try {
    return await asked;
  } catch (error) {
    if (hasEnded(container)) return ended;
    throw error;
  }
}
