import { answerQuestions, createSession, readQuestions, submit, visit } from '../lib/visit.js';

export { options } from '../lib/plan.js';
export { handleSummary } from '../lib/summary.js';

/** An exam ends: everybody has answered some questions before, and submits; some do so twice. */
export default function submitSpike() {
  visit((student) => {
    createSession(student);
    readQuestions(student);
    answerQuestions(student);
    submit(student);
  });
}
