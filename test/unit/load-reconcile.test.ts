import { expect, test } from 'vitest';
import type { AcknowledgedAnswer, AcknowledgedSubmit } from '../../src/load/acknowledged-writes.ts';
import { compare } from '../../src/load/reconcile.ts';
import type { StoredAnswer, StoredSubmit } from '../../src/load/stored-writes.ts';

const answer: AcknowledgedAnswer = {
  line: 7,
  sessionId: 's1',
  questionId: 'q1',
  selectedIndex: 3,
  maybe: [],
};
const submit: AcknowledgedSubmit = { line: 9, sessionId: 's1', scoreCorrect: 4 };
const goodAnswer: StoredAnswer = { acknowledged: answer, rows: 1, selectedIndex: 3 };
const goodSubmit: StoredSubmit = {
  acknowledged: submit,
  status: 'SUBMITTED',
  scoreCorrect: 4,
  eventScores: 1,
};

function reconciled(stored: { answers?: StoredAnswer[]; submits?: StoredSubmit[] }) {
  const { answers = [], submits = [] } = stored;
  const writes = {
    answers: answers.map(({ acknowledged }) => acknowledged),
    submits: submits.map(({ acknowledged }) => acknowledged),
    acknowledgedAnswers: answers.length,
    unknownWrites: 0,
  };
  return compare(writes, { answers, submits }, ['ledger.ndjson']);
}

test('what is stored as acknowledged passes', () => {
  expect(reconciled({ answers: [goodAnswer], submits: [goodSubmit] })).toMatchObject({
    outcome: 'pass',
    lost: 0,
    changed: 0,
    doubled: 0,
    message:
      '1 acknowledged answers are stored as acknowledged; 1 acknowledged submits are stored as acknowledged',
  });
});

test.each<[string, Partial<StoredAnswer>, object]>([
  ['an answer without a row is lost', { rows: 0, selectedIndex: null }, { lost: 1 }],
  ['an answer with another choice is changed', { selectedIndex: 1 }, { changed: 1 }],
  ['an answer that was cleared is changed', { selectedIndex: null }, { changed: 1 }],
  ['an answer with two rows is doubled', { rows: 2 }, { doubled: 1 }],
])('%s', (_, stored, expected) => {
  const result = reconciled({ answers: [{ ...goodAnswer, ...stored }] });
  expect(result).toMatchObject({ outcome: 'fail', ...expected });
  expect(result.named).toMatchObject([{ line: 7, sessionId: 's1', questionId: 'q1' }]);
  expect(result.hint).toContain('ledger line 7: session s1, question q1');
});

test('another choice is explained by a later write without a clear answer', () => {
  const acknowledged = { ...answer, maybe: [1] };
  expect(reconciled({ answers: [{ ...goodAnswer, acknowledged, selectedIndex: 1 }] }).outcome).toBe('pass');
  expect(reconciled({ answers: [{ ...goodAnswer, acknowledged, selectedIndex: 2 }] }).outcome).toBe('fail');
});

test.each<[string, Partial<StoredSubmit>, object]>([
  ['a session that is not there is not submitted', { status: null }, { notSubmitted: 1 }],
  ['a session that is still active is not submitted', { status: 'ACTIVE' }, { notSubmitted: 1 }],
  ['a session with another score differs', { scoreCorrect: 5 }, { scoreDiffers: 1 }],
  ['a session without a score differs', { scoreCorrect: null }, { scoreDiffers: 1 }],
  ['a session submitted with two scores is doubled', { eventScores: 2 }, { doubled: 1 }],
])('%s', (_, stored, expected) => {
  const result = reconciled({ answers: [goodAnswer], submits: [{ ...goodSubmit, ...stored }] });
  expect(result).toMatchObject({ outcome: 'fail', ...expected });
  expect(result.parts.map(({ id, outcome }) => [id, outcome])).toEqual([
    ['ledger-answers-stored', 'pass'],
    ['ledger-submits-stored', 'fail'],
  ]);
});

test('twenty are named, all are counted', () => {
  const result = reconciled({ answers: Array.from({ length: 25 }, () => ({ ...goodAnswer, rows: 0 })) });
  expect(result.lost).toBe(25);
  expect(result.named).toHaveLength(20);
  expect(result.hint).toContain('and 5 more');
});
