import type { ApiResponse, Environment } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { HealthEndpoint } from '../lifecycle/platform.ts';
import { said } from '../lifecycle/redact.ts';
import { valueAt } from './answer-body.ts';
import { type Attempt, attempt, outcomeOf } from './attempt.ts';
import { type BackendTarget, backendTargets } from './backend-targets.ts';

export interface HealthAnswer {
  readonly target: string;
  readonly answer: Attempt<ApiResponse>;
}

/** Every health endpoint of the platform on every backend instance and through the edge, judged by its body. */
export async function probeHealth(
  environment: Environment,
  { signal, targets }: { signal?: AbortSignal; targets?: readonly BackendTarget[] } = {},
): Promise<OutcomeRecord[]> {
  const instances = targets ?? (await backendTargets(environment, signal));
  const places = [...instances.filter(({ address }) => address !== undefined), edge];
  const { health } = environment.platform;
  const answers = new Map<string, HealthAnswer[]>();
  for (const path of new Set(health.map((endpoint) => endpoint.path))) {
    const asked = places.map(async ({ id, address }) => ({
      target: id,
      answer: await attempt(
        () =>
          environment.api.request({
            method: 'GET',
            path,
            timeout: 5_000,
            freshConnection: true,
            ...(address === undefined ? {} : { address }),
            ...(signal === undefined ? {} : { signal }),
          }),
        signal,
      ),
    }));
    answers.set(path, await Promise.all(asked));
  }
  return health.map((endpoint) => judgeHealth(endpoint, answers.get(endpoint.path) ?? []));
}

const edge: BackendTarget = { id: 'edge', workers: 1 };

/** The worst answer counts: one worker that is down is one in so many students who see it. */
export function judgeHealth(endpoint: HealthEndpoint, answers: readonly HealthAnswer[]): OutcomeRecord {
  const { path, value } = endpoint.expect;
  const bad: string[] = [];
  const silent: string[] = [];
  for (const { target, answer } of answers) {
    if ('problem' in answer) silent.push(`${target}: ${answer.problem}`);
    else {
      const seen = valueAt(answer.value.body, path);
      if (seen !== value)
        bad.push(`${target}: ${path} is ${said(JSON.stringify(seen))} (HTTP ${answer.value.status})`);
    }
  }
  const hint = 'look at the log of that instance and at what it depends on: database, cache';
  if (bad.length > 0) return outcomeOf(endpoint, 'fail', [...bad, ...silent].join('; '), hint);
  if (silent.length > 0) return outcomeOf(endpoint, 'unknown', silent.join('; '), hint);
  if (answers.length === 0) return outcomeOf(endpoint, 'unknown', 'nothing was asked');
  const places = answers.map(({ target }) => target).join(', ');
  return outcomeOf(endpoint, 'pass', `${endpoint.source}: ${path} is ${value} on ${places}`);
}
