import { answerQuestions, createSession, readQuestions, submit, visit } from '../lib/visit.js';

export { options } from '../lib/plan.js';
export { handleSummary } from '../lib/summary.js';

/** An exam is under way: everybody answers in a session of their own, and now and then changes an answer. */
export default function answers() {
  visit((student) => {
    createSession(student);
    readQuestions(student);
    answerQuestions(student);
    submit(student);
  });
}
