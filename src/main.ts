import type { Command } from 'commander';
import { traitsOf } from './commands/traits.ts';
import { messageOf, OperationFailed, UsageError } from './lifecycle/errors.ts';
import { type FullContext, makeContext } from './main/context.ts';
import { explainError } from './main/explain-error.ts';
import type { Failure } from './main/failure-report.ts';
import { type Interrupts, listenForInterrupts } from './main/interrupts.ts';
import { commandLoaders } from './main/load-command.ts';
import { noteOrphans, onLeaving } from './main/orphans.ts';
import { printReport, requestedFormat } from './main/output.ts';
import { globalProgram, type ProgramOptions, registerNames, wantedCommand } from './main/program.ts';
import { requireNoOutcomes } from './report/render.ts';

/** Runs one command and resolves to its exit code. `leave` ends the process at once. */
export async function main(argv: readonly string[], leave: (exitCode: number) => never): Promise<number> {
  const [node = process.execPath, script = '', ...args] = argv;
  if (args[0] === 'internal') return runInternal(args[1], args.slice(2));

  const program = globalProgram();
  const options = () => program.opts<ProgramOptions>();
  /** undefined: nothing was reported yet */
  let exitCode: number | undefined;
  let reverts = false;
  let context: FullContext | undefined;
  let interrupts: Interrupts | undefined;
  try {
    const [first, about] = wantedCommand(program, args);
    const name = first === 'help' ? about : first;
    interrupts = listenForInterrupts({
      timeout: options().timeout,
      reverts: () => reverts,
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
    if (first === 'help' && about === 'options') {
      const { optionsHelp } = await import('./main/help-options.ts');
      process.stdout.write(await optionsHelp(program, made));
      return 0;
    }
    const load = commandLoaders[name ?? ''];
    if (load === undefined) registerNames(program);
    else program.addCommand(await load(made));
    inheritSettings(program);
    program.hook('preAction', (_, command) => {
      judgeFlags(command, options());
      reverts = traitsOf(command).changes === true && !options().dryRun;
    });
    if (name !== 'recover') await noteOrphans(made);
    await program.parseAsync([...args], { from: 'user' });
    made.signal.throwIfAborted();
    return exitCode ?? 0;
  } catch (error) {
    context?.progress.end();
    const cause = causeOf(error, context);
    const explained = explainError(cause, options().debug);
    if (explained.text !== '') process.stderr.write(`error: ${explained.text}\n`);
    if (context?.signal.aborted) {
      for (const { run, folder } of context.begun)
        process.stderr.write(`  journal of run ${run}: ${folder}\n`);
    }
    if (exitCode === undefined && explained.exitCode !== 0) {
      await reportFailure({ error: cause, ...explained }, options(), context);
    }
    return explained.exitCode;
  } finally {
    interrupts?.release();
  }
}

/** A script that reads stdout gets one document, whatever happens. */
async function reportFailure(
  failure: Failure,
  { output = 'table', color }: ProgramOptions,
  context: FullContext | undefined,
): Promise<void> {
  if (!['json', 'ndjson', 'yaml'].includes(output)) return;
  const { failureReport } = await import('./main/failure-report.ts');
  const { env, stdout } = process;
  const format = requestedFormat(output);
  await printReport(failureReport(failure, context?.begun ?? []), {
    stdout,
    env,
    format,
    colour: color,
  }).catch((cause: unknown) => process.stderr.write(`error: ${messageOf(cause)}\n`));
}

/** Whatever an interrupt made fail, the interrupt is the reason; only what is left broken outweighs it. */
function causeOf(error: unknown, context: FullContext | undefined): unknown {
  const leftBroken = error instanceof OperationFailed && error.exitCode === 6;
  return context?.signal.aborted && !leftBroken ? context.signal.reason : error;
}

/** Whatever can be judged beforehand is judged before anything starts: for all commands, here. */
function judgeFlags(command: Command, { dryRun, output }: ProgramOptions): void {
  const name = nameOf(command);
  const { dryRun: hasDryRun, judges } = traitsOf(command);
  const format = requestedFormat(output);
  if (dryRun && !hasDryRun) {
    throw new UsageError(`${name} has no dry run, and was not started`, {
      hint: 'examctl help options says which commands have one',
    });
  }
  if (!judges) requireNoOutcomes(format, name);
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
