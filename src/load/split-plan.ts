import type { LoadPlan } from './load-plan.ts';

/** Milliseconds in which all workers have to be ready: their measured windows begin together. */
const readyMs = 3_000;

/** Each student belongs to one part; the parts have about as many. Now is milliseconds since 1970. */
export function splitPlan(plan: LoadPlan, workers: number, now: number): LoadPlan[] {
  const windowStart = now + readyMs + plan.leadInSeconds * 1000;
  return Array.from({ length: Math.min(workers, plan.students.length) }, (_, part) => ({
    ...plan,
    windowStart,
    students: plan.students.filter((_student, index) => index % workers === part),
  }));
}
