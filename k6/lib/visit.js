// What a virtual student can do. src/load/engine/visit.ts does the same: change both.
import { accepted, bodyOf, send } from './http.js';
import { announce, begin, enter, finish } from './ledger.js';
import { pause } from './pause.js';
import { thisStudent, windowStart } from './plan.js';

/** The student cannot go on; the reason goes to the ledger. */
class GaveUp extends Error {}

/** Plays the story of a scenario as one student, and writes to the ledger how it ended. */
export function visit(story) {
  const student = { ...thisStudent(), sessionId: null, questions: [], missed: null };
  try {
    story(student);
    if (student.missed !== null) throw new GaveUp(`missed answers: ${student.missed}`);
    finish(student.number, student.sessionId, true);
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error;
    finish(student.number, student.sessionId, false, error.message);
  }
}

export function createSession(student) {
  waitUntil(student.createAt);
  const phase = phaseOf(student.createAt);
  const created = send(student, {
    endpoint: 'create-session',
    phase,
    method: 'POST',
    path: '/sessions',
    body: student.session,
  });
  const { session_id: sessionId } = bodyOf(created);
  if (sessionId === undefined) throw new GaveUp(`without a session: ${told(created)}`);
  student.sessionId = sessionId;
  begin(student.number, sessionId);
}

export function readQuestions(student) {
  const read = send(student, {
    endpoint: 'read-session',
    phase: phaseOf(student.createAt),
    method: 'GET',
    path: `/sessions/${student.sessionId}`,
  });
  const { questions } = bodyOf(read);
  if (questions === undefined) throw new GaveUp(`without questions: ${told(read)}`);
  student.questions = questions.map((question) => question.question_id);
}

export function answerQuestions(student) {
  for (const { at, question, selectedIndex } of student.answers) {
    waitUntil(at);
    answer(student, phaseOf(at), question, selectedIndex);
  }
}

function answer(student, phase, question, selectedIndex) {
  const { number, sessionId } = student;
  const questionId = student.questions[question];
  if (questionId === undefined) throw new GaveUp(`without question ${question + 1} in the session`);
  const write = { kind: 'answer', sessionId, questionId, sent: selectedIndex };
  const answered = send(
    student,
    {
      endpoint: 'answer',
      phase,
      method: 'POST',
      path: `/sessions/${sessionId}/answer`,
      body: { question_id: questionId, selected_index: selectedIndex },
    },
    (attempt) => announce(number, write, attempt),
    (ended) => {
      const { answer: stored } = bodyOf(ended.response);
      enter(number, write, ended, stored, stored?.selected_index);
    },
  );
  if (accepted(answered)) return;
  if (answered.status === 401) throw new GaveUp(`missed answers: ${told(answered)}`);
  student.missed = told(answered);
}

/** At its time in the window, or, without one, as the end of a scenario that is about something else. */
export function submit(student) {
  if (student.submitAt !== null) waitUntil(student.submitAt);
  const phase = student.submitAt === null ? 'teardown' : phaseOf(student.submitAt);
  submitOnce(student, phase, 'submit');
  if (student.submitTwice) submitOnce(student, phase, 'submit-again');
}

function submitOnce(student, phase, endpoint) {
  const { number, sessionId } = student;
  const write = { kind: 'submit', sessionId, sent: null };
  const submitted = send(
    student,
    { endpoint, phase, method: 'POST', path: `/sessions/${sessionId}/submit` },
    (attempt) => announce(number, write, attempt),
    (ended) => {
      const stored = bodyOf(ended.response);
      enter(number, write, ended, stored, stored.score_correct);
    },
  );
  if (!accepted(submitted)) throw new GaveUp(`not submitted: ${told(submitted)}`);
}

function waitUntil(seconds) {
  pause((windowStart() - Date.now()) / 1000 + seconds);
}

function phaseOf(at) {
  return at < 0 ? 'setup' : 'measured';
}

function told({ status }) {
  if (status === 0) return 'no answer';
  if (status === 401) return 'token refused (401)';
  return status === 429 ? 'rate limited (429)' : `status ${status}`;
}
