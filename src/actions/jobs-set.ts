import { defineAction } from './action.ts';

type JobsSet = { readonly kind: 'jobs-set'; readonly jobs: readonly string[]; readonly enabled: boolean };

export const jobsSet = defineAction<JobsSet>({
  kind: 'jobs-set',
  describe: ({ jobs, enabled }) => `${enabled ? 'enable' : 'disable'} background jobs ${jobs.join(', ')}`,
  apply: ({ jobs, enabled }, { environment }, signal) =>
    environment.driver.setJobsEnabled(enabled, jobs, signal),
  verify: async ({ jobs, enabled }, { environment }) => {
    const record = { id: 'jobs-set', title: `background jobs are ${enabled ? 'enabled' : 'disabled'}` };
    const schedules = await environment.driver.jobs();
    const missing = jobs.filter((key) => !schedules.some((job) => job.key === key));
    if (missing.length > 0)
      return { ...record, outcome: 'unknown', message: `not to be found: ${missing.join(', ')}` };
    const wrong = schedules.filter((job) => jobs.includes(job.key) && job.enabled !== enabled);
    if (wrong.length > 0)
      return { ...record, outcome: 'fail', message: wrong.map(({ key }) => key).join(', ') };
    return { ...record, outcome: 'pass', message: jobs.join(', ') };
  },
});
