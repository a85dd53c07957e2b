import type { Command } from 'commander';
import { OperationFailed, UsageError } from './lifecycle/errors.ts';
import { type FullContext, makeContext } from './main/context.ts';
import { explainError } from './main/explain-error.ts';
import { type Interrupts, listenForInterrupts } from './main/interrupts.ts';
import { commandLoaders } from './main/load-command.ts';
import { noteOrphans, onLeaving } from './main/orphans.ts';
import { globalProgram, type ProgramOptions, registerNames, wantedCommand } from './main/program.ts';

/** Runs one command and resolves to its exit code. `leave` ends the process at once. */
export async function main(argv: readonly string[], leave: (exitCode: number) => never): Promise<number> {
  const [node = process.execPath, script = '', ...args] = argv;
  if (args[0] === 'internal') return runInternal(args[1], args.slice(2));

  const program = globalProgram();
  const options = () => program.opts<ProgramOptions>();
  let exitCode = 0;
  let context: FullContext | undefined;
  let interrupts: Interrupts | undefined;
  try {
    const [first, about] = wantedCommand(program, args);
    const name = first === 'help' ? about : first;
    interrupts = listenForInterrupts({
      timeout: options().timeout,
      reverts:
        !options().dryRun && ![`${first}`, `${first} ${about}`].some((each) => readOnly.includes(each)),
      onFirst: (text) => process.stderr.write(`\n${text}\n`),
      onSecond: () => {
        const { text, exitCode: left } = onLeaving(made);
        process.stderr.write(text);
        leave(left);
      },
    });
    const made = makeContext(options, {
      env: process.env,
      cwd: process.cwd(),
      stdout: process.stdout,
      stderr: process.stderr,
      // looked at only when somebody is to be asked, as opening stdin takes time
      get interactive() {
        return process.env.CI === undefined && [process.stdin, process.stderr].every(({ isTTY }) => isTTY);
      },
      program: [node, ...process.execArgv, script],
      signal: interrupts.signal,
      setExitCode: (code) => {
        exitCode = code;
      },
    });
    context = made;
    const load = commandLoaders[name ?? ''];
    if (load === undefined) registerNames(program);
    else program.addCommand(await load(made));
    inheritSettings(program);
    program.hook('preAction', (_, command) => refuseDryRun(command, options()));
    if (name !== 'recover') await noteOrphans(made);
    await program.parseAsync([...args], { from: 'user' });
    made.signal.throwIfAborted();
    return exitCode;
  } catch (error) {
    context?.progress.end();
    const explained = explainError(causeOf(error, context), options().debug);
    if (explained.text !== '') process.stderr.write(`error: ${explained.text}\n`);
    return explained.exitCode;
  } finally {
    interrupts?.release();
  }
}

/** Whatever an interrupt made fail, the interrupt is the reason; only what is left broken outweighs it. */
function causeOf(error: unknown, context: FullContext | undefined): unknown {
  const leftBroken = error instanceof OperationFailed && error.exitCode === 6;
  return context?.signal.aborted && !leftBroken ? context.signal.reason : error;
}

/** They open nothing that would have to be reverted. */
const readOnly = [
  'audit',
  'config',
  'doctor',
  'env',
  'exam-mode status',
  'explain',
  'fault list',
  'fault status',
  'integrity',
  'load install-k6',
  'load list',
  'load manifest',
  'load merge',
  'load reconcile',
  'load shape',
  'metrics',
  'runs',
  'sandbox defects',
  'sandbox logs',
  'sandbox status',
  'services logs',
  'services status',
];

/** Those that show their plan. Any other would act, or has nothing to plan. */
const withDryRun = [
  'exam-mode on',
  'exam-mode off',
  'fault clear',
  'fault inject',
  'integrity check',
  'load run',
  'rehearse',
  'services start',
  'services stop',
  'services restart',
  'services restart-all',
  'services rollback',
];

function refuseDryRun(command: Command, { dryRun }: ProgramOptions): void {
  const name = nameOf(command);
  if (!dryRun || withDryRun.includes(name)) return;
  throw new UsageError(`${name} has no dry run, and was not started`, {
    hint: `these have: ${withDryRun.join(', ')}`,
  });
}

function nameOf(command: Command): string {
  const parent = command.parent?.parent == null ? '' : `${nameOf(command.parent)} `;
  return parent + command.name();
}

/** commander hands the settings of the root down only to commands that were made through it. */
function inheritSettings(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inheritSettings(child);
  }
}

/** A helper process of examctl itself: `examctl internal NAME ...`. Not for people. */
async function runInternal(name: string | undefined, args: string[]): Promise<number> {
  const { internalProcesses } = await import('./main/internal-processes.ts');
  const start = internalProcesses[name ?? ''];
  if (start === undefined) throw new Error(`no internal process "${name}"`);
  await start(args);
  return 0;
}
