import type { JobSchedule } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { ContainerInstance } from './instances.ts';

/** What a worker of the project starts by itself; without one that the configuration names, nothing can be said. */
export function jobsOfWorker(
  worker: readonly ContainerInstance[],
  { keys, project }: { readonly keys: readonly string[]; readonly project: string },
): JobSchedule[] {
  if (worker.length === 0) throw jobsElsewhere(project);
  const enabled = worker.some(({ state }) => state !== 'stopped');
  return keys.map((key) => ({ key, enabled, running: enabled ? null : false, switchable: false }));
}

export function notSwitchable(keys: readonly string[], project: string): Undetermined {
  return new Undetermined(
    `the background jobs ${keys.join(', ')} of ${project} cannot be switched one by one`,
    {
      hint: 'in exam mode they must skip by themselves: examctl exam-mode verify tells whether they do',
    },
  );
}

/** No scheduler belongs to the platform as it is shipped: they are lines of the host's crontab. */
function jobsElsewhere(project: string): Undetermined {
  return new Undetermined(`the background jobs of ${project} cannot be seen: compose does not run them`, {
    hint: 'they are lines of a crontab on the host: crontab -l, /etc/cron.d; where a service of the project starts them, services.worker in examctl.yaml names it',
  });
}
