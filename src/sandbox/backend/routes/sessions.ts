import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Backend } from '../backend.ts';
import { ApiError, plainError } from '../errors.ts';
import { limitRate, type RateLimit, rateLimits } from '../rate-limit.ts';
import { answerQuestion, answerRequest } from '../sessions/answer-question.ts';
import { recordEvent } from '../sessions/attempt-events.ts';
import { createSession, sessionRequest } from '../sessions/create-session.ts';
import { progressOf } from '../sessions/progress.ts';
import { loadSession, sessionIdOf } from '../sessions/session-rows.ts';
import {
  answerState,
  openQuestion,
  questionStatus,
  questionsOf,
  result,
  reviewItem,
  serverNow,
} from '../sessions/session-views.ts';
import { submitSession } from '../sessions/submit-session.ts';
import { authenticate } from '../users.ts';
import { parse } from '../validation.ts';

const questionQuery = z.object({ index: z.coerce.number().int().min(0) });
const prefetchQuery = z.object({
  from: z.coerce.number().int().min(0),
  count: z.coerce.number().int().min(1).max(5).default(5),
});

export function sessionRoutes(app: FastifyInstance, backend: Backend): void {
  app.post('', async (request) => {
    const user = await authenticate(backend, request);
    const wanted = parse(sessionRequest, request.body);
    await limitStudent(backend, rateLimits.createSession, user.id);
    const session = await createSession(request.database, backend.flags, user, wanted);
    const { id, status, mode, total_questions, started_at, expires_at } = session;
    const progress = { answered_count: 0, marked_for_review_count: 0, current_position: 1 };
    return { session_id: id, status, mode, total_questions, started_at, expires_at, progress };
  });

  app.get('/:session_id', async (request) => {
    const session = await ownSession(backend, request);
    const questions = await questionsOf(request.database, session.id);
    const progress = await progressOf(request.database, session.id);
    const current = questions.find(({ position }) => position === progress.current_position);
    return {
      session,
      progress,
      questions: questions.map(questionStatus),
      current_question: current === undefined ? null : openQuestion(current),
    };
  });

  app.get('/:session_id/state', async (request) => {
    const { id, status, mode, total_questions, expires_at } = await ownSession(backend, request);
    const progress = await progressOf(request.database, id);
    return { session_id: id, status, mode, total_questions, expires_at, server_now: serverNow(), progress };
  });

  app.get('/:session_id/question', async (request) => {
    const { index } = parse(questionQuery, request.query);
    const session = await ownSession(backend, request);
    const [question] = await questionsOf(request.database, session.id, { from: index + 1, count: 1 });
    if (question === undefined) throw plainError(404, 'Question not in session');
    return {
      index,
      server_now: serverNow(),
      question: openQuestion(question),
      answer_state: stateOf(question),
    };
  });

  app.get('/:session_id/questions/prefetch', async (request) => {
    const { from, count } = parse(prefetchQuery, request.query);
    const session = await ownSession(backend, request);
    const questions = await questionsOf(request.database, session.id, { from: from + 1, count });
    const items = questions.map((question) => ({
      index: question.position - 1,
      question: openQuestion(question),
      answer_state: stateOf(question),
    }));
    return { server_now: serverNow(), items };
  });

  app.post('/:session_id/answer', (request) => answer(backend, request));

  app.post('/:session_id/answer-thin', async (request) => {
    const stored = await answer(backend, request);
    return { ok: true, server_now: serverNow(), answer_state: answerState(stored.answer) };
  });

  app.post('/:session_id/submit', async (request) => {
    const id = sessionIdOf(request.params);
    const user = await authenticate(backend, request);
    await limitStudent(backend, rateLimits.submitSession, user.id);
    await refuseFrozen(backend);
    return result(await submitSession(backend, request, user, id, 'when-ended'));
  });

  app.post('/:session_id/submit-thin', async (request) => {
    const id = sessionIdOf(request.params);
    const user = await authenticate(backend, request);
    await refuseFrozen(backend);
    const { submitted_at } = await submitSession(backend, request, user, id, 'always');
    return { ok: true, submitted_at, review_url: `${backend.config.basePath}/sessions/${id}/review` };
  });

  app.get('/:session_id/review', async (request) => {
    const session = await ownSession(backend, request);
    if (session.status === 'ACTIVE') throw plainError(400, 'Session is not submitted');
    const items = (await questionsOf(request.database, session.id)).map(reviewItem);
    await recordEvent(request.database, {
      type: 'SESSION_REVIEW_VIEWED',
      sessionId: session.id,
      userId: session.user_id,
      payload: {},
    });
    return { session, items };
  });
}

async function ownSession(backend: Backend, request: FastifyRequest) {
  const id = sessionIdOf(request.params);
  return loadSession(request.database, id, await authenticate(backend, request));
}

async function answer(backend: Backend, request: FastifyRequest) {
  const user = await authenticate(backend, request);
  const id = sessionIdOf(request.params);
  const given = parse(answerRequest, request.body);
  await refuseFrozen(backend);
  // before anything is stored: these defects are not to lose what was acknowledged
  if (backend.defects.isOn('rate-limit-fails-closed')) await backend.cache.call('PING');
  if (backend.defects.strikes('server-errors', 3, 100)) throw new Error('the answer could not be processed');
  return answerQuestion(backend, request, user, id, given);
}

function limitStudent({ cache, defects }: Backend, limit: RateLimit, userId: string): Promise<void> {
  return limitRate(cache, limit, userId, defects.isOn('rate-limit-fails-closed') ? 'refuse' : 'allow');
}

/** Documented as safe during an exam; in fact it stops answers and submits. */
async function refuseFrozen({ flags }: Backend): Promise<void> {
  if (!(await flags.isOn('FREEZE_UPDATES'))) return;
  throw new ApiError(423, 'FREEZE_UPDATES_ACTIVE', 'Updates are frozen');
}

function stateOf(question: Parameters<typeof reviewItem>[0]) {
  const { selected_index, answered_at } = question;
  return {
    selected_index,
    answered_at,
    marked_for_review: question.marked_for_review ?? false,
    changed_count: question.changed_count ?? 0,
  };
}
