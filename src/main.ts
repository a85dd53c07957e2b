/** Starts a helper process of examctl itself: `examctl internal NAME ...`. Not for people. */
async function runInternal(name: string | undefined, args: string[]): Promise<void> {
  const { internalProcesses } = await import('./internal.ts');
  const start = internalProcesses[name ?? ''];
  if (start === undefined) throw new Error(`no internal process "${name}"`);
  await start(args);
}

export async function main(argv: readonly string[]): Promise<void> {
  const [, , command, ...rest] = argv;
  if (command === 'internal') return runInternal(rest[0], rest.slice(1));
}
