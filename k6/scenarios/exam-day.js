import { answerQuestions, createSession, readQuestions, submit, visit } from '../lib/visit.js';

export { options } from '../lib/plan.js';
export { handleSummary } from '../lib/summary.js';

/** A whole exam: everybody comes, answers, loses the connection now and then, and leaves early or at the end. */
export default function examDay() {
  visit((student) => {
    createSession(student);
    readQuestions(student);
    answerQuestions(student);
    submit(student);
  });
}
