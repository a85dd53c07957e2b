export async function runJobs(_args: string[]): Promise<void> {}
