export async function runBackend(_args: string[]): Promise<void> {}
