import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunFolders } from '../src/adapters/run-folders.ts';
import type { FaultRecord } from '../src/faults/inject-fault.ts';
import type { JournalLine } from '../src/lifecycle/journal.ts';
import { composePrograms, startEngine, whyNoEngine } from '../test/support/docker-engine.ts';
import { stackServices } from '../test/support/exam-stack/services.ts';
import { startExamStack } from '../test/support/exam-stack.ts';
import { type Bench, ended, type Figure, figure, Installed, median, milliseconds } from './measure.ts';

/** A fault and its parameters, as on the command line. */
type Subject = readonly [fault: string, ...set: string[]];

const everywhere: readonly Subject[] = [
  ['redis-outage'],
  ['redis-hang'],
  ['worker-kill'],
  ['backend-restart'],
  ['full-backend-restart'],
  ['edge-restart'],
  ['database-outage'],
  ['database-slow'],
  ['connection-exhaustion'],
  ['network-delay'],
  ['network-loss'],
  ['network-cut'],
  ['cpu-stress'],
];
const ofSandbox: readonly Subject[] = [...everywhere, ['memory-stress'], ['vendor-errors']];
const ofCompose: readonly Subject[] = [...everywhere, ['memory-stress', 'service=cache'], ['disk-full']];

/** How long a fault and its way back take, by its journal and its evidence, which say when. */
export const fault: Bench = {
  id: 'fault',
  title:
    'faults: from the change to its proven effect, and from the end of the disturbance to the steady state',
  run: async ({ smoke }) => [...(await onSandbox(smoke)), ...(await onCompose(smoke))],
};

async function onSandbox(smoke: boolean): Promise<Figure[]> {
  const examctl = new Installed();
  try {
    await examctl.run(['sandbox', 'up']);
    return await figuresOf(examctl, 'sandbox', smoke ? ofSandbox.slice(0, 1) : ofSandbox, [], smoke);
  } finally {
    await examctl.remove();
  }
}

async function onCompose(smoke: boolean): Promise<Figure[]> {
  const program = composePrograms.find(({ missing }) => missing === null);
  const why = whyNoEngine() ?? (program === undefined ? composePrograms[0]?.missing : null);
  if (why !== null || program === undefined) {
    console.error(`fault on compose: skipped: ${why}`);
    return [];
  }
  const engine = await startEngine();
  const examctl = new Installed(engine.env);
  try {
    program.install(engine);
    const stack = await startExamStack(engine, { project: 'bench', command: program.command });
    const where = ['-e', 'staging', '--config', stack.configFile];
    const byHand = await times(smoke, () =>
      milliseconds(async () => {
        const container = await containerOf(stackServices.cache, engine.env);
        for (const order of ['stop', 'start']) await ended('docker', [order, container], { env: engine.env });
      }),
    );
    // its health check takes a moment, and no fault is injected into a system that is ill
    await stack.untilHealthy(30);
    const baseline = 'compose: docker stop and docker start of Redis by hand';
    return [
      figure({
        name: baseline,
        unit: 'ms',
        median: median(byHand),
        n: byHand.length,
        ratio: null,
        goal: null,
      }),
      ...(await figuresOf(examctl, 'compose', smoke ? ofCompose.slice(0, 1) : ofCompose, where, smoke)),
    ];
  } finally {
    await examctl.remove();
    await engine.stop();
  }
}

async function containerOf(service: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { execa } = await import('execa');
  const filter = `label=com.docker.compose.service=${service}`;
  return (await execa('docker', ['ps', '--all', '--quiet', '--filter', filter], { env, extendEnv: false }))
    .stdout;
}

const rounds = 3;

async function times(smoke: boolean, measure: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < (smoke ? 1 : rounds); round += 1) values.push(await measure());
  return values;
}

async function figuresOf(
  examctl: Installed,
  driver: string,
  subjects: readonly Subject[],
  where: readonly string[],
  smoke: boolean,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [id, ...set] of subjects) {
    const effect: number[] = [];
    const proof: number[] = [];
    const steady: number[] = [];
    for (let round = 0; round < (smoke ? 1 : rounds); round += 1) {
      const given = set.flatMap((text) => ['--set', text]);
      await examctl.run(['fault', 'inject', id, ...given, '--for', '2s', ...where]);
      const { lines, record } = await latestOf(examctl.state, id);
      effect.push(timeOf(lines, 'change.verified') - timeOf(lines, 'change.started'));
      proof.push(timeOf(lines, 'state.proven') - timeOf(lines, 'revert.started'));
      steady.push(1000 * (record.recoverySeconds ?? Number.NaN));
    }
    for (const [what, values] of [
      ['change to proven effect', effect],
      ['revert to proven state', proof],
      ['end to steady', steady],
    ] as const) {
      const name = `${driver}, ${id}: ${what}`;
      figures.push(
        figure({ name, unit: 'ms', median: median(values), n: values.length, ratio: null, goal: null }),
      );
    }
  }
  return figures;
}

async function latestOf(state: string, id: string): Promise<{ lines: JournalLine[]; record: FaultRecord }> {
  const folders = new RunFolders(state);
  const [latest] = folders.list();
  if (latest === undefined) throw new Error('the fault has no run');
  const file = join(folders.path(latest), 'evidence', `fault-${id}.json`);
  return {
    lines: await folders.journal(latest).read(),
    record: JSON.parse(readFileSync(file, 'utf8')) as FaultRecord,
  };
}

function timeOf(lines: readonly JournalLine[], type: JournalLine['type']): number {
  const line = lines.find((candidate) => candidate.type === type);
  if (line === undefined) throw new Error(`the journal has no ${type}`);
  return Date.parse(line.at);
}
