import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckCatalogue } from '../checks/index.ts';
import type { FaultDefinition } from '../faults/fault.ts';
import type { Clock } from '../lifecycle/clock.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';
import type { OutcomeRecord, Verdict } from '../lifecycle/outcome.ts';
import { verdictOf } from '../lifecycle/outcome.ts';
import type { Plan } from '../lifecycle/plan.ts';
import type { Pseudonymiser } from '../lifecycle/pseudonym.ts';
import type { Run } from '../lifecycle/run.ts';
import type { HaltOrder } from '../lifecycle/run-archive.ts';
import type { LoadPorts } from '../load/ports.ts';
import type { ProfileName } from '../load/scenario.ts';
import { type Evidence, evidenceFiles, type FaultObservation } from './evidence.ts';
import { judgeGate, type Limits } from './gates/gate.ts';
import { gates } from './gates/index.ts';
import { proveThaw } from './phases/freeze.ts';
import { phases } from './phases/index.ts';
import { walkersOf } from './phases/students.ts';
import { planEnvironmentUp } from './plan-rehearsal.ts';
import type { Phase, PhaseId, RehearsalContext, RehearsalProgress } from './ports.ts';
import { rehearsalProfiles } from './profiles.ts';

export interface RehearsalOptions {
  readonly profile: ProfileName;
  readonly phases: ReadonlySet<PhaseId>;
  /** an environment that was brought up for the rehearsal stays up */
  readonly keep: boolean;
  readonly engine: 'auto' | 'k6' | 'builtin';
  readonly breakGlass: boolean;
  readonly reason?: string | undefined;
}

export interface RehearsalPorts {
  readonly environment: Environment;
  /** authorizes the plan and runs, so that all that was changed is reverted at the end */
  readonly withRun: <T>(plan: Plan, use: (run: Run) => Promise<T>) => Promise<T>;
  readonly faults: readonly FaultDefinition[];
  readonly haltOf: (run: string) => HaltOrder | undefined;
  readonly catalogue: CheckCatalogue;
  /** names students in findings */
  readonly students: Pseudonymiser;
  readonly load: LoadPorts;
  readonly clock: Clock;
  readonly progress: RehearsalProgress;
  /** gets what is known of a rehearsal that ends early */
  readonly onCut: (result: RehearsalResult) => Promise<void>;
}

export interface RehearsalResult {
  readonly run: string;
  readonly folder: string;
  readonly environment: string;
  readonly profile: ProfileName;
  readonly verdict: Verdict;
  /** what keeps it from GO, worst first; empty for GO */
  readonly reasons: readonly string[];
  readonly gates: readonly OutcomeRecord[];
  readonly phases: readonly PhaseResult[];
  /** ISO 8601 */
  readonly startedAt: string;
  readonly endedAt: string;
  /** name and version of what made the load */
  readonly loadEngine: string | null;
  /** address of the API */
  readonly target: string | null;
  /** virtual students of the biggest of the loads */
  readonly students: number;
  readonly limits: Limits;
  /** faults that were made, in words, and how they ended */
  readonly faults: readonly { readonly title: string; readonly end: string }[];
  /** why it ended early; null: it came to its end */
  readonly cut: string | null;
}

export interface PhaseResult {
  readonly id: PhaseId;
  readonly title: string;
  readonly seconds: number;
  readonly summary: string;
}

/** A rehearsal of an exam day: the phases look, the gates judge what was seen, the verdict follows. */
export async function rehearse(
  plan: Plan,
  options: RehearsalOptions,
  ports: RehearsalPorts,
): Promise<RehearsalResult> {
  return ports.withRun(plan, async (run) => {
    const { environment, clock } = ports;
    await bringUp(run, options, ports);
    const context: RehearsalContext = {
      ...ports,
      run,
      profile: rehearsalProfiles[options.profile],
      engine: options.engine,
      breakGlass: options.breakGlass,
      reason: options.reason,
      walkers: walkersOf(environment),
      halted: () => ports.haltOf(run.id),
      injectsFaults: options.phases.has('faults'),
      startedAt: clock.now(),
      evidence: { loads: [], faults: [], reconciliations: [] },
      frozen: { changes: [], examModeWas: 'off' },
    };
    const results: PhaseResult[] = [];
    try {
      await takeAll(options, context, results);
      if (context.evidence.examModeOn !== undefined) await thaw(context);
      const result = conclude(results, context, options, null);
      await run.conclude(result.verdict);
      await writeEvidence(context);
      return result;
    } catch (error) {
      // what was seen until then is worth keeping, and worth a report
      await writeEvidence(context);
      const why = run.signal.aborted ? run.signal.reason : error;
      await ports.onCut(conclude(results, context, options, messageOf(why)));
      throw error;
    }
  });
}

async function takeAll(
  options: RehearsalOptions,
  context: RehearsalContext,
  results: PhaseResult[],
): Promise<void> {
  for (const phase of phases.filter(({ id }) => options.phases.has(id))) {
    results.push(await take(phase, context));
    if (canGoOn(context.evidence)) continue;
    context.progress.note(
      'the canary failed: load and faults would only show the same; the rehearsal stops here',
    );
    break;
  }
}

async function bringUp(
  run: Run,
  { keep }: RehearsalOptions,
  { environment, progress }: RehearsalPorts,
): Promise<void> {
  const plan = await planEnvironmentUp(environment);
  if (plan === null) return;
  progress.note(`${environment.name} is not up: bringing it up for this rehearsal`);
  const changes = await run.perform(plan);
  if (keep) await run.keep(changes);
}

async function take(phase: Phase, context: RehearsalContext): Promise<PhaseResult> {
  const { progress, clock, profile } = context;
  const begin = clock.now().getTime();
  progress.phase(phase.id, phase.title, phase.seconds(profile));
  const summary = await look(phase, context);
  progress.phaseDone(phase.id, summary);
  const { id, title } = phase;
  return { id, title, summary, seconds: (clock.now().getTime() - begin) / 1000 };
}

/** What a phase could not see is missing evidence, which its gates tell; the phases after it may still see theirs. */
async function look(phase: Phase, context: RehearsalContext): Promise<string> {
  try {
    return await phase.rehearse(context);
  } catch (error) {
    context.run.signal.throwIfAborted();
    if (!(error instanceof Undetermined)) throw error;
    return `could not be determined: ${error.message}`;
  }
}

function canGoOn({ canary }: Evidence): boolean {
  return canary === undefined || canary.outcome === 'pass' || canary.outcome === 'warn';
}

/** Exam mode goes off here, and not only at the end of the run, so that its end is proven, too. */
async function thaw(context: RehearsalContext): Promise<void> {
  const { run, progress } = context;
  progress.phase('freeze', 'Thaw: exam mode off again, proven on every worker', 14);
  await run.revert(context.frozen.changes);
  await proveThaw(context);
  progress.phaseDone('freeze', 'exam mode is as it was before');
}

/** A full disk must not change the verdict, nor hide why the rehearsal ended. */
async function writeEvidence({ run, evidence, progress }: RehearsalContext): Promise<void> {
  try {
    await writeEvidenceFiles(run, evidence);
  } catch (error) {
    progress.note(`warning: the evidence could not be written to ${run.folder}: ${messageOf(error)}`);
  }
}

async function writeEvidenceFiles(run: Run, evidence: Evidence): Promise<void> {
  await mkdir(join(run.folder, 'evidence'), { recursive: true });
  for (const [part, file] of Object.entries(evidenceFiles) as [keyof Evidence, string][]) {
    if (evidence[part] === undefined) continue;
    await writeFile(join(run.folder, file), `${JSON.stringify(evidence[part], null, 2)}\n`);
    await run.evidence(file, part);
  }
}

function conclude(
  results: readonly PhaseResult[],
  { run, evidence, environment, profile, startedAt, clock }: RehearsalContext,
  options: RehearsalOptions,
  cut: string | null,
): RehearsalResult {
  const limits = { ...environment.thresholds, recoverySeconds: profile.recoverySeconds };
  const judged = gates.map((gate) => judgeGate(gate, evidence, limits));
  const canary = canaryRecord(evidence);
  const engine = evidence.loads[0]?.engine;
  return {
    run: run.id,
    folder: run.folder,
    environment: environment.name,
    profile: options.profile,
    verdict: cut === null ? verdictOf([...judged, ...canary]) : 'INCONCLUSIVE',
    reasons: [...(cut === null ? [] : [`it ended early: ${cut}`]), ...reasonsOf([...canary, ...judged])],
    gates: judged,
    phases: results,
    startedAt: startedAt.toISOString(),
    endedAt: clock.now().toISOString(),
    loadEngine: engine === undefined ? null : `${engine.name} ${engine.version}`,
    target: targetOf(environment),
    students: Math.max(0, ...evidence.loads.map(({ virtualStudents }) => virtualStudents)),
    limits,
    faults: [...evidence.faults, ...(evidence.drill === undefined ? [] : [evidence.drill])].map(
      ({ title, problem, recoverySeconds }) => ({ title, end: endOf(problem, recoverySeconds) }),
    ),
    cut,
  };
}

/** The address of a sandbox that is not up any more cannot be told. */
function targetOf({ api }: RehearsalContext['environment']): string | null {
  try {
    return api.url;
  } catch (error) {
    if (!(error instanceof Undetermined)) throw error;
    return null;
  }
}

function endOf(problem: FaultObservation['problem'], recoverySeconds: number | null): string {
  if (problem !== null) return problem.text;
  return recoverySeconds === null
    ? 'undone; no steady state was seen afterwards'
    : `undone, all as before; steady again after ${recoverySeconds.toFixed(1)} s`;
}

/** A canary that did not come through is no gate, but ends the rehearsal: then it is the reason. */
function canaryRecord({ canary }: Evidence): OutcomeRecord[] {
  const bad = canary?.outcomes.find(({ outcome }) => outcome === 'fail' || outcome === 'unknown');
  return bad === undefined ? [] : [{ ...bad, id: 'canary', message: `${bad.title}: ${bad.message}` }];
}

function reasonsOf(judged: readonly OutcomeRecord[]): string[] {
  return (['fail', 'unknown', 'skipped'] as const).flatMap((outcome) =>
    judged
      .filter((gate) => gate.outcome === outcome)
      .map(({ id, message }) => `${id} (${outcome}): ${message}`),
  );
}
