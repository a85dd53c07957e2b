import type { Environment } from '../lifecycle/environment.ts';
import { makePlan, type Plan } from '../lifecycle/plan.ts';
import { authorizeLoad } from '../load/authorize-load.ts';
import { impactOf } from '../probes/sessions-in-progress.ts';
import { phases } from './phases/index.ts';
import { everyStudent } from './phases/students.ts';
import { rehearsalProfiles } from './profiles.ts';
import type { RehearsalOptions } from './rehearse.ts';

/** What a rehearsal will do; each of its changes is planned, journalled and proven on its own when its phase comes. */
export async function planRehearsal(environment: Environment, options: RehearsalOptions): Promise<Plan> {
  const profile = rehearsalProfiles[options.profile];
  const selected = phases.filter(({ id }) => options.phases.has(id));
  const up = await planEnvironmentUp(environment);
  const isThere = up === null;
  return makePlan({
    operation: 'rehearse',
    environment: environment.name,
    parameters: {
      profile: options.profile,
      phases: selected.map(({ id }) => id),
      faults: options.phases.has('faults') ? profile.faults : [],
      keep: options.keep,
      seconds: selected.reduce((sum, phase) => sum + phase.seconds(profile), 0),
    },
    impact: isThere
      ? await impactOf(environment, { disruptive: true, text: 'load, faults and a restart of the backend' })
      : {
          sessionsInProgress: 0,
          lastEndsAt: null,
          disruptive: false,
          text: 'the environment is made for this rehearsal',
        },
    changes: up?.changes ?? [],
    parts: [
      ...(up === null
        ? []
        : [
            {
              operation: up.operation,
              title: 'The environment is brought up',
              effect: 'and taken down at the end',
            },
          ]),
      ...selected.flatMap((phase) => phase.parts(profile, { injectsFaults: options.phases.has('faults') })),
    ],
    holdSeconds: null,
    steadyState: [],
  });
}

/**
 * Load takes what students need, and is never put beside an exam of theirs: judged before anything is written. What is made
 * for the rehearsal has no students of its own.
 */
export async function authorizeRehearsal(environment: Environment, options: RehearsalOptions): Promise<void> {
  const writes = [...options.phases].some((phase) => ['canary', 'load', 'recovery'].includes(phase));
  if (!writes || environment.ephemeral !== undefined) return;
  const { breakGlass, reason } = options;
  await authorizeLoad(environment, await environment.identities(everyStudent), { breakGlass, reason });
}

/** Null when there is nothing to bring up. */
export async function planEnvironmentUp(environment: Environment): Promise<Plan | null> {
  const { ephemeral, name } = environment;
  if (ephemeral === undefined || (await ephemeral.isUp())) return null;
  return makePlan({
    operation: 'environment up',
    environment: name,
    parameters: {},
    impact: { sessionsInProgress: 0, lastEndsAt: null, disruptive: false, text: 'it is not there yet' },
    changes: [
      {
        target: `environment ${name}`,
        before: 'absent',
        after: 'up',
        apply: { kind: 'environment-up' },
        revert: { kind: 'environment-down' },
        undoneBy: 'recover',
        seconds: 10,
      },
    ],
    holdSeconds: null,
    steadyState: [],
  });
}
