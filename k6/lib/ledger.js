// One JSON object a line, through --console-output. The shapes are those of src/load/ledger.ts.

/** A session that is to be ended, by examctl when the student does not come to it. */
export function begin(student, sessionId) {
  line({ kind: 'session', student, sessionId });
}

/** Before a write is sent: it may be stored even when no answer is ever seen. */
export function announce(student, { kind, sessionId, questionId, sent }) {
  line({ kind: 'attempt', write: kind, at: new Date().toISOString(), student, sessionId, questionId, sent });
}

export function enter(student, { kind, sessionId, questionId, sent }, at, response, given) {
  const understood = response.status >= 200 && response.status < 300 && given !== undefined;
  line({
    kind,
    at: new Date(at).toISOString(),
    ms: response.timings.duration,
    student,
    sessionId,
    questionId,
    sent,
    status: response.status,
    acknowledged: understood ? given : null,
    outcome: understood ? 'acknowledged' : outcomeOf(response.status),
  });
}

export function finish(student, sessionId, completed, reason) {
  line({ kind: 'student', student, sessionId, completed, reason });
}

function outcomeOf(status) {
  return status >= 400 && status < 500 ? 'rejected' : 'unknown';
}

function line(object) {
  console.log(JSON.stringify(object));
}
