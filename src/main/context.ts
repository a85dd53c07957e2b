import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { auditAnchorsIn } from '../adapters/audit-anchors.ts';
import { AuditLog } from '../adapters/audit-log.ts';
import { BaselineFile } from '../adapters/baseline-file.ts';
import { CheckHistory } from '../adapters/check-history.ts';
import { makeFolder, readText, writeFileAtomic } from '../adapters/files.ts';
import { openLoadHttp } from '../adapters/http-load.ts';
import { readTextFrom } from '../adapters/input.ts';
import { findK6, runK6 } from '../adapters/k6.ts';
import { sinkToFile, sinkToStream } from '../adapters/line-sink.ts';
import { packageRoot } from '../adapters/package-root.ts';
import { RunFolders } from '../adapters/run-folders.ts';
import { stateFolder } from '../adapters/state-folder.ts';
import { watermarkFiles } from '../adapters/watermark-file.ts';
import type { BaselineStore } from '../checks/baseline/baseline.ts';
import type { CheckCatalogue } from '../checks/index.ts';
import type { RunHistory } from '../commands/check-history.ts';
import type { Context, Progress } from '../commands/context.ts';
import type { CheckFiles } from '../commands/integrity-context.ts';
import { defaultBaselineFile } from '../config/defaults.ts';
import { loadConfig } from '../config/load.ts';
import type { LocatedProblem } from '../config/problem.ts';
import { selectEnvironment } from '../config/select-environment.ts';
import type { CheckSettings } from '../config/settings.ts';
import { messageOf } from '../lifecycle/errors.ts';
import type { LifecycleEvent, Listener } from '../lifecycle/events.ts';
import type { LineSink } from '../lifecycle/line-sink.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Watermarks } from '../lifecycle/watermark.ts';
import type { LoadPorts } from '../load/ports.ts';
import { platforms } from '../platforms/index.ts';
import type { Report } from '../report/report.ts';
import type { SandboxContext } from '../sandbox/sandbox.ts';
import { actorName, actorOf } from './actor.ts';
import { checkedPlatform, checkSettingsProblems, loadCatalogue, packagedSql } from './catalogue.ts';
import { confirmation } from './confirm.ts';
import { type OpenOptions, openEnvironment, ownFlags, sandboxContext } from './open-environment.ts';
import { makeOperator } from './operator.ts';
import { requestedFormat } from './output.ts';
import type { ProgramOptions } from './program.ts';
import { progressOn } from './progress.ts';
import { progressListener } from './progress-listener.ts';
import { runLocksOf } from './run-locks.ts';

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** a person sits at the terminal and can be asked */
  readonly interactive: boolean;
  /** node, its flags and the script: how examctl starts processes of itself */
  readonly program: readonly string[];
  readonly signal: AbortSignal;
  readonly setExitCode: (code: number) => void;
  /** instead of stderr */
  readonly progress?: Progress;
  /** what runs tell, instead of to `progress` */
  readonly emit?: Listener;
}

/** A run that this command has begun. */
export interface BegunRun {
  readonly run: string;
  readonly folder: string;
}

/** What the single commands need beyond Context; main has it all. */
export interface FullContext extends Context {
  readonly begun: readonly BegunRun[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly file: string | undefined;
  readonly sandbox: SandboxContext;
  catalogue(): Promise<CheckCatalogue>;
  /** what only who has the checks can say of a configuration */
  checkSettingsProblems(settings: CheckSettings): Promise<readonly LocatedProblem[]>;
  checkFiles(): Promise<CheckFiles>;
  baseline(): Promise<BaselineStore>;
  readonly history: RunHistory;
  readonly watermarks: Watermarks;
  readText(source: string): Promise<string>;
  openSink(file: string | null): Promise<LineSink>;
  pseudonymSalt(environment: string): Promise<string>;
  loadPorts(): Promise<LoadPorts>;
  /** what examctl uses on this machine */
  prerequisites(): Promise<OutcomeRecord[]>;
  /** writes a report for scripts, and the paper for people, into a folder */
  writeReport(report: Report, folder: string, paper: Report): Promise<void>;
}

export function makeContext(options: () => ProgramOptions, around: Surroundings): FullContext {
  const { env, cwd, stdout, stderr, program, signal } = around;
  const state = once(() => stateFolder(options().state, env));
  const folders = once(() => new RunFolders(state()));
  const audit = once(() => new AuditLog(state()));
  const config = once(() => loadConfig({ cwd, file: options().config, env }));
  const progress = once(
    () =>
      around.progress ??
      progressOn(stderr, {
        quiet: options().quiet,
        interactive: stderr.isTTY === true && env.CI === undefined,
      }),
  );
  const openOptions = (): OpenOptions => ({
    state: state(),
    program,
    signal,
    env,
    onProgress: (text) => progress().update(text),
    configFile: options().config,
  });
  const begun: BegunRun[] = [];
  const listener = once(() => {
    const listen = around.emit ?? progressListener(progress(), options().verbose);
    return (event: LifecycleEvent) => {
      if (event.type === 'run.started') begun.push({ run: event.run, folder: event.folder });
      listen(event);
    };
  });

  let unrecorded = false;

  return {
    cwd,
    env,
    signal,
    begun,
    get options() {
      return options();
    },
    get file() {
      return options().config;
    },
    get progress() {
      return progress();
    },
    get archive() {
      return folders();
    },
    get audit() {
      return audit();
    },
    get sandbox() {
      return sandboxContext(openOptions());
    },
    actor: actorName(env),
    report: async (report) => {
      const { printReport } = await import('./output.ts');
      // what is piped on may come out on the very terminal
      progress().end();
      await printReport(report, {
        stdout,
        env,
        format: requestedFormat(options().output),
        colour: options().color,
      });
      around.setExitCode(report.exitCode || (unrecorded ? 3 : 0));
    },
    openEnvironment: async (name) => {
      const loaded = await config();
      return openEnvironment(selectEnvironment(loaded, { name: name ?? options().env, env }), openOptions());
    },
    operator: (environment) =>
      makeOperator({
        environment,
        state: state(),
        folders: folders(),
        audit: audit(),
        program,
        flags: ownFlags(environment.name, { state: state(), configFile: options().config }),
        signal,
        emit: listener(),
        onUnrecorded: () => {
          unrecorded = true;
        },
        actor: async () => actorOf(await config(), env),
        reason: options().reason,
        breakGlass: options().breakGlass,
        confirm: (plan) => confirmation(plan, options(), { stderr, interactive: around.interactive }),
      }),
    locks: (environment) => runLocksOf(environment, state()),
    anchors: (environment) => auditAnchorsIn(environment, state()),
    evidenceFolder: (name) =>
      join(state(), 'evidence', `${new Date().toISOString().replace(/[-:.]/g, '')}-${name}`),
    catalogue: async () => loadCatalogue(await config(), cwd),
    checkSettingsProblems: (settings) => checkSettingsProblems(settings, cwd),
    checkFiles: async () => {
      const { checkFilesOf } = await import('./check-files.ts');
      const packaged = await packagedSql();
      return checkFilesOf(await config(), { platform: platforms[checkedPlatform], packaged, cwd });
    },
    baseline: async () =>
      new BaselineFile((await config()).baselineFile ?? join(state(), 'baselines', defaultBaselineFile)),
    get history() {
      return new CheckHistory(state());
    },
    get watermarks() {
      return watermarkFiles(join(state(), 'watermarks'));
    },
    readText: (source) => readTextFrom(source, cwd),
    openSink: async (file) =>
      file === null
        ? sinkToStream(stdout)
        : sinkToFile(resolve(cwd, file), {
            streams: [stdout, stderr],
            signal,
            onWait: () => progress().note(`waiting until somebody reads ${file}`),
          }),
    pseudonymSalt: async (environment) =>
      saltOf(join(state(), 'salts'), environment, (text) => progress().note(text)),
    loadPorts: async () => ({
      findK6: () => findK6(env),
      runK6: (run) => runK6(run, { scriptsFolder: join(packageRoot(), 'k6'), env }),
      runWorker: async (job) =>
        (await import('../adapters/load-workers.ts')).runLoadWorker(around.program, job),
      k6Scripts: async () =>
        (await import('../adapters/k6-scripts.ts')).readK6Scripts(join(packageRoot(), 'k6')),
      installK6: async (options) =>
        (await import('../adapters/install-k6.ts')).installK6({ root: packageRoot(), env }, options),
      openHttp: (options) => openLoadHttp({ ...options, env }),
    }),
    prerequisites: async () => (await import('./prerequisites.ts')).lookAtPrerequisites(env, state()),
    writeReport: async (report, folder, paper) =>
      (await import('./output.ts')).writeReport(report, folder, paper),
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * Made once for an environment, so that a student has the same pseudonym in every report. A question is answered where
 * nothing can be kept, too.
 */
async function saltOf(folder: string, environment: string, note: (text: string) => void): Promise<string> {
  const file = join(folder, environment);
  const fresh = randomBytes(32).toString('hex');
  try {
    const kept = readText(file);
    // without its content it is none
    if (kept) return kept;
    makeFolder(folder);
    writeFileAtomic(file, fresh);
    return readText(file) ?? fresh;
  } catch (error) {
    note(
      `warning: the pseudonyms of this report are its own, other reports have others: ${messageOf(error)}`,
    );
    return fresh;
  }
}
