import { findFault } from '../../src/commands/fault.ts';
import { valuesOf } from '../../src/faults/parameters.ts';
import { contextOfOpened, open } from '../../src/library/opened.ts';
import { messageOf } from '../../src/lifecycle/errors.ts';
import { makePlan } from '../../src/lifecycle/plan.ts';
import { listenForInterrupts } from '../../src/main/interrupts.ts';

/**
 * One fault, held for a moment, without looking at students and the steady state before: what crash tests kill. Arguments:
 * configuration or "", environment, fault, parameters.
 */
const [, , config = '', name, id = '', ...set] = process.argv;

async function run(): Promise<void> {
  const { signal } = listenForInterrupts({
    timeout: undefined,
    reverts: () => true,
    onFirst: () => undefined,
    onSecond: () => process.exit(6),
  });
  const environment = await open(name, config === '' ? { signal } : { config, signal });
  const fault = findFault(id);
  const values = valuesOf(fault.parameters, set);
  const seconds = Number(process.env.SECONDS ?? 0.05);
  const [before, changes] = await Promise.all([
    environment.driver.snapshot(),
    fault.changes({ environment, values, seconds }),
  ]);
  const plan = makePlan({
    operation: `fault inject ${id}`,
    environment: environment.name,
    parameters: {},
    impact: { sessionsInProgress: 0, lastEndsAt: null, disruptive: true, text: 'a test' },
    changes,
    holdSeconds: seconds,
    before,
    steadyState: [],
  });
  await contextOfOpened(environment).operator(environment).run(plan);
}

run().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(error.exitCode ?? 70);
  },
);
