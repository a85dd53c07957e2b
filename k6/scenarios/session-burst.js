import { createSession, submit, visit } from '../lib/visit.js';

export { options } from '../lib/plan.js';
export { handleSummary } from '../lib/summary.js';

/** An exam begins: everybody creates a session. */
export default function sessionBurst() {
  visit((student) => {
    createSession(student);
    submit(student);
  });
}
