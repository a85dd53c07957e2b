// One JSON object a line, through --console-output. The shapes are those of src/load/ledger.ts.

/** A session that is to be ended, by examctl when the student does not come to it. */
export function begin(student, sessionId) {
  line({ kind: 'session', student, sessionId });
}

/** Before a write is sent: it may be stored even when no answer is ever seen. */
export function announce(student, { kind, sessionId, questionId, sent }, attempt) {
  const at = new Date().toISOString();
  line({ kind: 'attempt', write: kind, at, attempt, student, sessionId, questionId, sent });
}

/** `stored`: what the platform says of the row that it wrote, and `given` its value. */
export function enter(student, write, { at, attempt, response }, stored, given) {
  const { kind, sessionId, questionId, sent } = write;
  const understood = response.status >= 200 && response.status < 300 && given !== undefined;
  const storedAt = stored?.updated_at ?? stored?.answered_at ?? stored?.submitted_at ?? null;
  line({
    kind,
    at: new Date(at).toISOString(),
    attempt,
    ms: response.timings.duration,
    student,
    sessionId,
    questionId,
    sent,
    status: response.status,
    acknowledged: understood ? given : null,
    storedAt: understood ? storedAt : null,
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
