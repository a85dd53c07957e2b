import type { ApiResponse, Environment, Service, ServiceInstance } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { type Attempt, attempt, judged, outcomeOf } from './attempt.ts';
import { backendTargets } from './backend-targets.ts';
import { probeHealth } from './health.ts';

const servicesProbe = { id: 'services-running', title: 'every instance of every service runs' };
const databaseProbe = { id: 'database-answers', title: 'the database answers' };
const cacheProbe = { id: 'cache-answers', title: 'the cache answers' };
const readProbe = { id: 'read-works', title: 'a student can read through every backend instance' };

const servicesHint =
  'start what is down, or look at its log; of a sandbox: examctl sandbox status, examctl sandbox logs';

/** Reads on each instance: enough to see one that fails now and then, too few to be a load. */
const reads = 3;

/** What must hold before and after a fault. Read-only: about ten requests and two queries an instance. */
export async function steadyState(
  environment: Environment,
  { signal = new AbortController().signal }: { signal?: AbortSignal } = {},
): Promise<OutcomeRecord[]> {
  const [instances, database, cache, health, read] = await Promise.all([
    attempt(() => environment.driver.instances(), signal),
    timed(() => environment.withPostgres((postgres) => postgres.query('SELECT 1')), signal),
    timed(() => environment.withRedis((redis) => redis.ping()), signal),
    probeHealth(environment, { signal }),
    probeRead(environment, signal),
  ]);
  return [
    judged(servicesProbe, instances, judgeInstances),
    judgeAnswer(databaseProbe, database, 'SELECT 1'),
    judgeAnswer(cacheProbe, cache, 'PING'),
    ...health,
    read,
  ];
}

export function judgeInstances(instances: readonly ServiceInstance[]): OutcomeRecord {
  if (instances.length === 0) return outcomeOf(servicesProbe, 'unknown', 'the driver knows no instance');
  const down = instances.filter(({ state }) => state !== 'running');
  if (down.length > 0) {
    const seen = down.map(({ id, state, detail }) => `${id} is ${state}${detail ? ` (${detail})` : ''}`);
    const determined = down.some(({ state }) => state !== 'unknown');
    return outcomeOf(servicesProbe, determined ? 'fail' : 'unknown', seen.join('; '), servicesHint);
  }
  const counts = new Map<Service, number>();
  for (const { service } of instances) counts.set(service, (counts.get(service) ?? 0) + 1);
  return outcomeOf(
    servicesProbe,
    'pass',
    [...counts].map(([service, count]) => (count === 1 ? service : `${count} ${service}`)).join(', '),
  );
}

/** Not to be reached is the finding here, not a gap in the evidence: a fault that took it away is still there. */
function judgeAnswer(
  probe: { id: string; title: string },
  answer: Attempt<number>,
  question: string,
): OutcomeRecord {
  if ('problem' in answer) return outcomeOf(probe, 'fail', answer.problem, answer.hint);
  return outcomeOf(probe, 'pass', `${question} in ${answer.value.toFixed(1)} ms`);
}

function timed(ask: () => Promise<unknown>, signal: AbortSignal): Promise<Attempt<number>> {
  return attempt(async () => {
    const started = performance.now();
    await ask();
    return performance.now() - started;
  }, signal);
}

async function probeRead(environment: Environment, signal: AbortSignal): Promise<OutcomeRecord> {
  const students = await attempt(() => environment.identities(1), signal);
  if ('problem' in students) return outcomeOf(readProbe, 'unknown', students.problem, students.hint);
  const [student] = students.value;
  if (student === undefined) return outcomeOf(readProbe, 'unknown', 'there is no student to read as');
  const targets = await backendTargets(environment, signal);
  const answers: { target: string; answer: Attempt<ApiResponse> }[] = [];
  for (const { id, address } of targets) {
    for (let read = 0; read < reads; read += 1) {
      const answer = await attempt(
        () =>
          environment.api.request({
            method: 'GET',
            path: environment.platform.examMode.loginRequiredPath,
            as: { token: student.token },
            freshConnection: true,
            timeout: 5_000,
            signal,
            ...(address === undefined ? {} : { address }),
          }),
        signal,
      );
      answers.push({ target: id, answer });
    }
  }
  return judgeReads(answers);
}

export function judgeReads(
  answers: readonly { readonly target: string; readonly answer: Attempt<ApiResponse> }[],
): OutcomeRecord {
  const failed = answers.flatMap(({ target, answer }) => {
    if ('problem' in answer) return [`${target}: ${answer.problem}`];
    return answer.value.status === 200 ? [] : [`${target}: HTTP ${answer.value.status}`];
  });
  if (answers.length === 0) return outcomeOf(readProbe, 'unknown', 'nothing was asked');
  const refused = answers.every(({ answer }) => 'value' in answer && answer.value.status === 401);
  if (refused) {
    return outcomeOf(
      readProbe,
      'unknown',
      `${failed[0]}: the login of the student is refused`,
      'its token has run out: get a fresh one (identities in examctl.yaml)',
    );
  }
  if (failed.length > 0) return outcomeOf(readProbe, 'fail', [...new Set(failed)].join('; '));
  return outcomeOf(readProbe, 'pass', `${answers.length} of ${answers.length} reads answered 200`);
}
