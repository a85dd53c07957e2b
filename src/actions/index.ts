import type { Actuator } from '../lifecycle/actuator.ts';
import { Undetermined } from '../lifecycle/errors.ts';
import type { Action } from '../lifecycle/plan.ts';
import type { ActionDefinition, ActionPorts } from './action.ts';
import { calm } from './calm.ts';
import { connectionsHold } from './connections-hold.ts';
import { connectionsRelease } from './connections-release.ts';
import { disturb } from './disturb.ts';
import { environmentDown } from './environment-down.ts';
import { environmentUp } from './environment-up.ts';
import { examModeSet } from './exam-mode-set.ts';
import { imageSet } from './image-set.ts';
import { instancesRestart } from './instances-restart.ts';
import { jobsSet } from './jobs-set.ts';
import { servicePause } from './service-pause.ts';
import { serviceRestart } from './service-restart.ts';
import { serviceStart } from './service-start.ts';
import { serviceStop } from './service-stop.ts';
import { workerKill } from './worker-kill.ts';
import { workersRunning } from './workers-running.ts';

export const actions = [
  calm,
  connectionsHold,
  connectionsRelease,
  disturb,
  environmentDown,
  environmentUp,
  examModeSet,
  imageSet,
  instancesRestart,
  jobsSet,
  servicePause,
  serviceRestart,
  serviceStart,
  serviceStop,
  workerKill,
  workersRunning,
] as const;

/** Carries out any action on one environment, also one that another process wrote into a journal. */
export function actuatorFor(ports: ActionPorts): Actuator {
  return {
    describe: (action) => definitionOf(action).describe(action),
    apply: (action, signal) => definitionOf(action).apply(action, ports, signal),
    verify: (action, signal) => definitionOf(action).verify(action, ports, signal),
    snapshot: (signal) => ports.environment.driver.snapshot(signal),
  };
}

function definitionOf(action: Action): ActionDefinition<Action> {
  const definition = (actions as readonly unknown[] as readonly ActionDefinition<Action>[]).find(
    ({ kind }) => kind === action.kind,
  );
  if (definition !== undefined) return definition;
  throw new Undetermined(`this version of examctl has no action "${action.kind}"`, {
    hint: 'a newer version may have written the journal: use that one',
  });
}
