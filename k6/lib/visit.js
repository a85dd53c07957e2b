// What a virtual student can do. With http.js the same as src/load/engine/visit.ts: change both.
import { accepted, bodyOf, GaveUp, send } from './http.js';
import { announce, begin, enter, finish } from './ledger.js';
import { pause } from './pause.js';
import { thisStudent, windowStart } from './plan.js';

/** Plays the story of a scenario as one student, and writes to the ledger how it ended. */
export function visit(story) {
  const own = { sessionId: null, questions: [], missed: null, freeSince: 0, backSince: 0 };
  const student = { ...thisStudent(), ...own };
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
  const due = waitUntil(student.createAt);
  const phase = phaseOf(student.createAt);
  const created = send(student, {
    endpoint: 'create-session',
    phase,
    due,
    path: '/sessions',
    body: student.session,
  });
  const { session_id: sessionId } = bodyOf(created);
  if (sessionId === undefined) throw new GaveUp(`without a session: ${told(created)}`);
  student.sessionId = sessionId;
  begin(student.number, sessionId);
}

export function readQuestions(student, phase = phaseOf(student.createAt)) {
  const read = send(student, {
    endpoint: 'read-session',
    phase,
    path: `/sessions/${student.sessionId}`,
  });
  const { questions } = bodyOf(read);
  if (questions === undefined) throw new GaveUp(`without questions: ${told(read)}`);
  student.questions = questions.map((question) => question.question_id);
}

export function answerQuestions(student) {
  for (const planned of student.answers) answer(student, planned);
}

function answer(student, { at, question, selectedIndex, lost }) {
  const due = waitUntil(at);
  const { number, sessionId } = student;
  const questionId = student.questions[question];
  if (questionId === undefined) throw new GaveUp(`without question ${question + 1} in the session`);
  const write = { kind: 'answer', sessionId, questionId, sent: selectedIndex };
  const answered = send(
    student,
    {
      endpoint: 'answer',
      phase: phaseOf(at),
      due,
      lost,
      path: `/sessions/${sessionId}/answer`,
      body: { question_id: questionId, selected_index: selectedIndex },
    },
    {
      before: (attempt) => announce(number, write, attempt),
      after: (ended) => {
        const { answer: stored } = bodyOf(ended.response);
        enter(number, write, ended, stored, stored?.selected_index);
      },
      comeBack: () => readQuestions(student, 'lost'),
    },
  );
  if (accepted(answered)) return;
  if (answered.status === 401) throw new GaveUp(`missed answers: ${told(answered)}`);
  student.missed = told(answered);
}

/** At its time in the window, or, without one, as the end of a scenario that is about something else. */
export function submit(student) {
  const due = student.submitAt === null ? undefined : waitUntil(student.submitAt);
  const phase = student.submitAt === null ? 'teardown' : phaseOf(student.submitAt);
  submitOnce(student, { endpoint: 'submit', phase, due });
  if (student.submitTwice) submitOnce(student, { endpoint: 'submit-again', phase });
}

function submitOnce(student, about) {
  const { number, sessionId } = student;
  const write = { kind: 'submit', sessionId, sent: null };
  const submitted = send(
    student,
    { ...about, path: `/sessions/${sessionId}/submit` },
    {
      before: (attempt) => announce(number, write, attempt),
      after: (ended) => {
        const stored = bodyOf(ended.response);
        enter(number, write, ended, stored, stored.score_correct);
      },
    },
  );
  if (!accepted(submitted)) throw new GaveUp(`not submitted: ${told(submitted)}`);
}

/** Milliseconds since 1970. */
function waitUntil(seconds) {
  const due = windowStart() + seconds * 1000;
  pause((due - Date.now()) / 1000);
  return due;
}

function phaseOf(at) {
  return at < 0 ? 'setup' : 'measured';
}

function told({ status }) {
  if (status === 0) return 'no answer';
  if (status === 401) return 'token refused (401)';
  return status === 429 ? 'rate limited (429)' : `status ${status}`;
}
