import { readProcFile } from '../../adapters/processes.ts';
import type { Service } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { PartStatus } from '../../sandbox/supervised-process.ts';

/** What the process was started with, which is not what the env file says by now. */
export function variableOf(parts: readonly PartStatus[], service: Service, name: string): string | undefined {
  const pid = parts.find((part) => part.pid !== undefined)?.pid;
  const variables = pid === undefined ? undefined : variablesOf(pid);
  if (variables === undefined) {
    throw new Undetermined(`the variable ${name} of ${service} cannot be read: no process of it runs here`, {
      hint: 'examctl sandbox status',
    });
  }
  const line = variables.find((entry) => entry.startsWith(`${name}=`));
  return line?.slice(name.length + 1);
}

/** Each as NAME=VALUE; undefined when there is no such process, or the system does not tell. */
export function variablesOf(pid: number): string[] | undefined {
  return readProcFile(`/proc/${pid}/environ`)
    ?.split('\0')
    .filter((entry) => entry !== '');
}
