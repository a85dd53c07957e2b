import { Command } from 'commander';
import { commandNames } from './commands/names.ts';

/**
 * The first file that is read: answers --version and --help by itself, as those must be quick, and leaves
 * everything else to main.
 */
export async function start(argv: readonly string[]): Promise<void> {
  const [, , first, second] = argv;
  if ((first === '--version' || first === '-V') && second === undefined) {
    process.stdout.write(`${process.env.EXAMCTL_VERSION ?? 'development'}\n`);
    return;
  }
  if (
    first === undefined ||
    ((first === '--help' || first === '-h' || first === 'help') && second === undefined)
  ) {
    overview().outputHelp();
    process.exitCode = first === undefined ? 2 : 0;
    return;
  }
  process.on('uncaughtException', leaveAsBug);
  const { main } = await import('./main.ts');
  const exitCode = await main(argv, process.exit);
  // idle connections and timers must not keep a finished command alive
  process.stdout.write('', () => process.exit(exitCode));
}

/** Node's own exit code 1 would read as NO-GO. A run that was open is reverted by its guardian. */
function leaveAsBug(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`error: a bug in examctl: ${text}\n`);
  process.exit(70);
}

function overview(): Command {
  const program = new Command('examctl')
    .usage('<command> [options]')
    .description('Operate exam platforms before, during and after an exam.')
    .helpOption('-h, --help', 'show this help; examctl <command> --help shows the flags of a command')
    .option('-V, --version', 'print the version');
  for (const [name, summary] of commandNames) program.command(name).description(summary);
  return program
    .helpCommand(false)
    .addHelpText('after', '\nBegin with:  examctl rehearse\nExit codes:  examctl explain');
}

void start(process.argv);
