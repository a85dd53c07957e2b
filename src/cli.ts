import { commandNames } from './commands/names.ts';
import { redacted } from './lifecycle/redact.ts';
import { loadMain } from './load-main.ts';

/**
 * The first file that is read: answers --version and --help by itself, as those must be quick, and leaves
 * everything else to main.
 */
export async function start(argv: readonly string[]): Promise<void> {
  const [, , first, second] = argv;
  process.stdout.on('error', goOnUnheard);
  if ((first === '--version' || first === '-V') && second === undefined) {
    process.stdout.write(`${process.env.EXAMCTL_VERSION ?? 'development'}\n`);
    return;
  }
  if (
    first === undefined ||
    ((first === '--help' || first === '-h' || first === 'help') && second === undefined)
  ) {
    process.stdout.write(overview());
    process.exitCode = first === undefined ? 2 : 0;
    return;
  }
  process.stderr.on('error', goOnUnheard);
  process.on('uncaughtException', leaveAsBug);
  const { main } = await loadMain();
  const exitCode = await main(argv, process.exit);
  // idle connections and timers must not keep a finished command alive
  process.stdout.write('', () => process.exit(exitCode));
}

/**
 * `examctl ... | head` closes the pipe early: what is open gets reverted all the same, and the exit code stays true.
 * Whoever must know that a report was not written is told by the callback of its write.
 */
function goOnUnheard(): void {}

/** Node's own exit code 1 would read as NO-GO. A run that was open is reverted by its guardian. */
function leaveAsBug(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`error: a bug in examctl: ${redacted(text)}\n`);
  process.exit(70);
}

/** Written out: commander takes longer to load than all of this. */
function overview(): string {
  const line = (name: string, summary: string) => `  ${name.padEnd(13)}  ${summary}`;
  return [
    'Usage: examctl <command> [options]',
    '',
    'Operate exam platforms before, during and after an exam.',
    '',
    'Options:',
    line('-V, --version', 'print the version'),
    line('-h, --help', 'show this help; examctl <command> --help shows the flags of a command'),
    '',
    'Commands:',
    ...commandNames.map(([name, summary]) => line(name, summary)),
    '',
    'Begin with:  examctl rehearse',
    'Exit codes:  examctl explain',
    '',
  ].join('\n');
}

void start(process.argv);
