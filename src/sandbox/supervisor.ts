export async function runSupervisor(_args: string[]): Promise<void> {}
