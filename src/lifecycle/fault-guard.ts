import { Refused } from './errors.ts';
import type { Plan } from './plan.ts';

/** What is broken on purpose hurts those who are there: never a protected environment, never a student in an exam. */
export function requireNobodyIsHurt(
  { operation, impact, holdSeconds }: Plan,
  { name, protected: isProtected }: { readonly name: string; readonly protected: boolean },
  breakGlass: boolean,
): void {
  if (holdSeconds === null || breakGlass) return;
  if (isProtected) {
    throw new Refused(`${operation} is refused: ${name} is a protected environment`, {
      hint: 'use another environment, or, in an emergency: --break-glass --reason "..."',
    });
  }
  const { othersInProgress: others = impact.sessionsInProgress, lastEndsAt } = impact;
  if (others === 0) return;
  if (others === null) {
    throw new Refused(`${operation} is refused: whether a student is in an exam on ${name} is not known`, {
      hint: 'make the database reachable, or, in an emergency: --break-glass --reason "..."',
    });
  }
  const who =
    others === 1
      ? "1 student who is not the rehearsal's own is"
      : `${others} students who are not the rehearsal's own are`;
  const until = lastEndsAt === null ? 'with no end set' : `until ${lastEndsAt}`;
  throw new Refused(`${operation} is refused: ${who} in an exam ${until}`, {
    hint: 'wait for the exam to end, or, in an emergency: --break-glass --reason "..."; identities in examctl.yaml tells which students are your own',
  });
}
