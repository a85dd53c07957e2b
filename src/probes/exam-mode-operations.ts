import type { ApiRequest, Environment, Identity } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { AllowedOperation, BlockedOperation } from '../lifecycle/platform.ts';
import { errorCodeOf, valueAt } from './answer-body.ts';
import { type Attempt, attempt, outcomeOf } from './attempt.ts';
import { type BackendTarget, connectionsNeeded } from './backend-targets.ts';
import {
  allowedProbe,
  type ExamModeState,
  type GateContext,
  judgeAllowed,
  judgeBehindLimiter,
  judgeBlocked,
  type PlacedReading,
  readGate,
} from './exam-mode-gate.ts';
import { mapLimited } from './limited.ts';

export interface AskOptions {
  readonly environment: Environment;
  readonly targets: readonly BackendTarget[];
  readonly signal: AbortSignal;
}

/** Requests at a time: a worker serves one after the other, and students are waiting too. */
const atATime = 4;

/** A request over a connection of its own, so that it may reach any worker behind the address. */
export function askAt(
  { environment, signal }: Pick<AskOptions, 'environment' | 'signal'>,
  { address }: BackendTarget,
  request: ApiRequest,
) {
  return attempt(
    () =>
      environment.api.request({
        freshConnection: true,
        signal,
        ...request,
        ...(address === undefined ? {} : { address }),
      }),
    signal,
  );
}

/** How this backend answers whoever is not logged in; needed to understand a 403 that names no code. */
export async function gateContext({ environment, targets, signal }: AskOptions): Promise<GateContext> {
  const facts = environment.platform.examMode;
  const [target] = targets;
  if (target === undefined) return { facts, loginAnswers401: false };
  const answer = await askAt({ environment, signal }, target, {
    method: 'GET',
    path: facts.loginRequiredPath,
  });
  return { facts, loginAnswers401: 'value' in answer && answer.value.status === 401 };
}

/** What the operation's gate says on each target, over as many connections as its workers need. */
export async function readGates(
  options: AskOptions,
  operation: BlockedOperation,
  context: GateContext,
  student?: Identity,
): Promise<PlacedReading[]> {
  const asked = options.targets.flatMap((target) =>
    Array.from({ length: student === undefined ? connectionsNeeded(target) : 1 }, () => target),
  );
  return mapLimited(asked, atATime, async (target) => {
    const answer = await askAt(options, target, {
      method: 'POST',
      path: operation.path,
      ...(student === undefined ? {} : { as: { token: student.token } }),
    });
    return { target: target.id, reading: readGate(answer, context) };
  });
}

export interface OperationProbeOptions extends AskOptions {
  readonly expected: ExamModeState;
  readonly context: GateContext;
  readonly students: Attempt<readonly Identity[]>;
}

export async function probeBlocked(
  operation: BlockedOperation,
  options: OperationProbeOptions,
): Promise<OutcomeRecord> {
  const { expected, context, students } = options;
  if (operation.anonymousProbe) {
    return judgeBlocked(operation, await readGates(options, operation, context), expected);
  }
  // A student may never carry it out, so this has no side effect; only a 423 that names exam mode proves anything.
  const [student] = 'value' in students ? students.value : [];
  if (student === undefined) return judgeBehindLimiter(operation, [], expected);
  const readings = await readGates(options, operation, { ...context, loginAnswers401: false }, student);
  return judgeBehindLimiter(operation, readings, expected);
}

export async function probeAllowed(
  operation: AllowedOperation,
  options: OperationProbeOptions,
): Promise<OutcomeRecord> {
  const { targets, students, environment } = options;
  if (operation.as === 'student' && 'problem' in students) {
    return outcomeOf(allowedProbe(operation), 'unknown', students.problem, students.hint);
  }
  const identities = 'value' in students ? students.value : [];
  if (operation.as === 'student' && identities.length === 0) {
    return outcomeOf(allowedProbe(operation), 'unknown', 'there is no student to ask as');
  }
  const answers = await mapLimited(targets, atATime, async (target, index) => {
    // One student for each target, as creating and submitting are rate limited by user.
    const student = identities[index % identities.length];
    const answer = await askAt(options, target, {
      method: operation.method,
      path: operation.path,
      ...(operation.body === undefined ? {} : { body: operation.body }),
      ...(operation.as === 'student' && student !== undefined ? { as: { token: student.token } } : {}),
    });
    return { target: target.id, answer };
  });
  return judgeAllowed(operation, answers, environment.platform.examMode);
}

const apiView = { id: 'exam-mode-api', title: 'the API reports the wanted exam mode' };

/** What the platform's own status endpoint says; it speaks from the same cache as the gate of its worker. */
export async function probeApiView(options: AskOptions, expected: ExamModeState): Promise<OutcomeRecord> {
  const { path } = options.environment.platform.examMode.toggle;
  const views = await mapLimited(options.targets, atATime, async (target) => {
    const answer = await askAt(options, target, { method: 'GET', path, as: 'admin' });
    if ('problem' in answer) return { target: target.id, ...answer };
    const enabled = valueAt(answer.value.body, 'enabled');
    if (typeof enabled === 'boolean') return { target: target.id, enabled };
    const code = errorCodeOf(answer.value.body);
    const problem = `GET ${path} answers HTTP ${answer.value.status}${code === undefined ? '' : ` ${code}`}`;
    const hint =
      answer.value.status === 401 ? 'the admin token is refused: set a fresh api.admin_token' : undefined;
    return { target: target.id, problem, ...(hint === undefined ? {} : { hint }) };
  });
  const texts = views.map((view) =>
    'enabled' in view ? `${view.target}: ${view.enabled ? 'on' : 'off'}` : `${view.target}: ${view.problem}`,
  );
  const message = texts.join('; ');
  const contrary = views.some((view) => 'enabled' in view && view.enabled !== (expected === 'on'));
  if (contrary) {
    return outcomeOf(apiView, 'fail', message, `examctl exam-mode ${expected}, or wait for the flag caches`);
  }
  const silent = views.find((view) => 'problem' in view);
  if (silent !== undefined) {
    return outcomeOf(apiView, 'unknown', message, 'hint' in silent ? silent.hint : undefined);
  }
  return outcomeOf(apiView, views.length === 0 ? 'unknown' : 'pass', message || 'nothing was asked');
}
