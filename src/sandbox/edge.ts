export async function runEdge(_args: string[]): Promise<void> {}
