import { Refused } from './errors.ts';
import type { Plan } from './plan.ts';

export interface Actor {
  /** login name, or EXAMCTL_ACTOR */
  readonly name: string;
  /** from `people` of the configuration; null when it lists nobody, so that nobody can be told apart */
  readonly roles: readonly string[] | null;
  /** why there are no roles, when it is not that nobody of the name is listed */
  readonly why?: { readonly text: string; readonly needed: string };
}

export interface AuthorizationRequest {
  readonly plan: Plan;
  readonly environment: { readonly name: string; readonly protected: boolean };
  readonly actor: Actor;
  /** the environment's name as the person typed it, by --confirm or at the prompt */
  readonly confirmed: string | undefined;
  readonly reason: string | undefined;
  readonly breakGlass: boolean;
}

interface Refusal {
  readonly why: string;
  readonly needed: string;
}

/** Each says no with what would be needed, or nothing. */
const rules: readonly ((request: AuthorizationRequest) => Refusal | undefined)[] = [
  breakGlassNeedsReason,
  protectedNeedsKnownActor,
  protectedNeedsConfirmation,
  protectedNeedsReason,
  protectedWaitsForExams,
];

/** Throws Refused with every objection and what would lift it. Nothing has been changed by then. */
export function authorize(request: AuthorizationRequest): void {
  const refusals = rules.flatMap((rule) => rule(request) ?? []);
  if (refusals.length === 0) return;
  const { plan, environment } = request;
  throw new Refused(
    `${plan.operation} on ${environment.name} is refused: ${refusals.map(({ why }) => why).join('; ')}`,
    { hint: refusals.map(({ needed }) => needed).join('\n') },
  );
}

function breakGlassNeedsReason({ breakGlass, reason }: AuthorizationRequest): Refusal | undefined {
  if (!breakGlass || reason) return undefined;
  return { why: 'break-glass goes on record', needed: 'say why: --reason "..."' };
}

function protectedNeedsKnownActor({ environment, actor }: AuthorizationRequest): Refusal | undefined {
  if (!environment.protected || actor.roles === null || actor.roles.length > 0) return undefined;
  return {
    why: actor.why?.text ?? `${actor.name} has no role here`,
    needed: actor.why?.needed ?? `have ${actor.name} listed under "people" in the configuration`,
  };
}

function protectedNeedsConfirmation({ environment, confirmed }: AuthorizationRequest): Refusal | undefined {
  if (!environment.protected || confirmed === environment.name) return undefined;
  const why =
    confirmed === undefined
      ? 'it is a protected environment'
      : `--confirm ${confirmed} is not this environment's name`;
  return { why, needed: `confirm by its name: --confirm ${environment.name}` };
}

function protectedNeedsReason({ environment, reason }: AuthorizationRequest): Refusal | undefined {
  if (!environment.protected || reason) return undefined;
  return { why: 'changes of a protected environment need a reason', needed: 'say why: --reason "..."' };
}

function protectedWaitsForExams({
  environment,
  plan,
  breakGlass,
}: AuthorizationRequest): Refusal | undefined {
  if (!environment.protected || !plan.impact.disruptive || breakGlass) return undefined;
  const { sessionsInProgress, lastEndsAt } = plan.impact;
  if (sessionsInProgress === 0) return undefined;
  if (sessionsInProgress === null) {
    return {
      why: 'it is not known whether an exam is live',
      needed: 'make the database reachable, or, in an emergency: --break-glass --reason "..."',
    };
  }
  const until = lastEndsAt === null ? 'with no end set' : `until ${lastEndsAt}`;
  return {
    why: `${sessionsInProgress} ${sessionsInProgress === 1 ? 'student is' : 'students are'} in an exam ${until}`,
    needed: 'wait for the exam to end, or, in an emergency: --break-glass --reason "..."',
  };
}
