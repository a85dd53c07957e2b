// An API that answers at once, in a process of its own: what the load generators themselves take is measured against it.
import { createServer } from 'node:http';

const question = '11111111-1111-4111-8111-111111111111';
const session = JSON.stringify({ session_id: '22222222-2222-4222-8222-222222222222', status: 'ACTIVE' });
const questions = JSON.stringify({ questions: [{ question_id: question }] });
const answer = JSON.stringify({
  answer: { question_id: question, selected_index: 1, updated_at: '2026-01-05T09:00:00.000Z' },
});
const submitted = JSON.stringify({ score_correct: 1, submitted_at: '2026-01-05T09:00:00.000Z' });

createServer((request, response) => {
  request.resume();
  const { url = '', method } = request;
  const body = url.endsWith('/answer')
    ? answer
    : url.endsWith('/submit')
      ? submitted
      : method === 'POST'
        ? session
        : questions;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}).listen(0, '127.0.0.1', function ready() {
  process.stdout.write(`${this.address().port}\n`);
});
