/** The background jobs of the sandbox, as the platform's scheduler names them. */
export const jobKeys = ['revision_queue_regen', 'warehouse_incremental_export'] as const;
export type JobKey = (typeof jobKeys)[number];

export function isJobKey(key: string): key is JobKey {
  return (jobKeys as readonly string[]).includes(key);
}
