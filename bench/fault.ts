import { RunFolders } from '../src/adapters/run-folders.ts';
import type { JournalLine } from '../src/lifecycle/journal.ts';
import { type Bench, Installed, interleaved, milliseconds } from './measure.ts';

/** How long the safety of a fault takes: plan, lock, journal, guardian, proof; by its journal, which says when. */
export const fault: Bench = {
  id: 'fault',
  title: 'redis-outage from the command to its proven effect and back, to a command that does nothing',
  run: async ({ smoke }) => {
    const examctl = new Installed();
    let lines: JournalLine[] = [];
    try {
      await examctl.run(['sandbox', 'up']);
      return await interleaved(
        [
          {
            name: 'examctl explain 0',
            measure: () => milliseconds(() => examctl.run(['explain', '0'])),
          },
          {
            name: 'inject: command to proven effect',
            measure: async () => {
              const begin = Date.now();
              await examctl.run(['fault', 'inject', 'redis-outage', '--for', '1s']);
              lines = await latestJournal(examctl.state);
              return timeOf(lines, 'change.verified') - begin;
            },
          },
          {
            name: 'inject: change to proven effect',
            measure: async () => timeOf(lines, 'change.verified') - timeOf(lines, 'change.started'),
          },
          {
            name: 'revert: begin to proven steady',
            measure: async () => timeOf(lines, 'revert.verified') - timeOf(lines, 'revert.started'),
          },
        ],
        { rounds: smoke ? 1 : 7, warmUp: smoke ? 0 : 1, unit: 'ms' },
      );
    } finally {
      await examctl.remove();
    }
  },
};

async function latestJournal(state: string): Promise<JournalLine[]> {
  const folders = new RunFolders(state);
  const [latest] = folders.list();
  if (latest === undefined) throw new Error('the fault has no run');
  return folders.journal(latest).read();
}

function timeOf(lines: readonly JournalLine[], type: JournalLine['type']): number {
  const line = lines.find((candidate) => candidate.type === type);
  if (line === undefined) throw new Error(`the journal has no ${type}`);
  return Date.parse(line.at);
}
