import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../lifecycle/errors.ts';
import {
  type Journal,
  type JournalEntry,
  type JournalLine,
  journalDamage,
  parseJournal,
} from '../lifecycle/journal.ts';
import type { Plan } from '../lifecycle/plan.ts';
import type { RunFolder, RunIdentity } from '../lifecycle/run.ts';
import type { HaltOrder, OpenRun, RunArchive } from '../lifecycle/run-archive.ts';
import type { RunProcess } from '../lifecycle/run-lock.ts';
import { appendLine, syncFolder } from './append-file.ts';
import { makeFolder, namesIn, readJson, readText, writeFileAtomic } from './files.ts';
import { lifeOf, runProcess } from './processes.ts';

export interface OpenMark {
  readonly identity: RunIdentity;
  readonly process: RunProcess | null;
  /** its journal has its first line: from then on an empty journal is a lost one */
  readonly begun: boolean;
}

const haltFile = 'halt.json';

/** The runs under a state folder: `runs/<id>/` each, and a mark under `open/` while one is not closed. */
export class RunFolders implements RunArchive {
  readonly #runs: string;
  readonly #open: string;

  constructor(stateFolder: string) {
    this.#runs = join(stateFolder, 'runs');
    this.#open = join(stateFolder, 'open');
  }

  /** with the plan, where the whole of it is known before, as plan.json */
  async create(identity: RunIdentity, plan?: Plan): Promise<RunFolder> {
    const path = this.path(identity.id);
    makeFolder(path);
    makeFolder(this.#open);
    const journal = this.journal(identity.id);
    const { id: run, ...rest } = identity;
    const mark: OpenMark = { identity, process: runProcess(process.pid) ?? null, begun: false };
    writeFileAtomic(this.#markFile(run), JSON.stringify(mark));
    await journal.append({ type: 'run.started', run, ...rest });
    writeFileAtomic(this.#markFile(run), JSON.stringify({ ...mark, begun: true } satisfies OpenMark));
    if (plan !== undefined) writeFileAtomic(join(path, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
    await Promise.all([this.#runs, this.#open].map(syncFolder));
    return { path, journal, close: async () => this.close(identity.id) };
  }

  path(id: string): string {
    return join(this.#runs, id);
  }

  journal(id: string): Journal {
    const isBegun = () => this.#readMark(id)?.begun ?? true;
    return journalFile(join(this.path(id), 'journal.ndjson'), isBegun);
  }

  orderHalt(id: string, order: HaltOrder): void {
    writeFileAtomic(join(this.path(id), haltFile), JSON.stringify(order));
  }

  haltOf(id: string): HaltOrder | undefined {
    return readJson<HaltOrder>(join(this.path(id), haltFile));
  }

  close(id: string): void {
    rmSync(this.#markFile(id), { force: true });
  }

  /** ids of all runs, the latest first */
  list(): string[] {
    return namesIn(this.#runs).sort().reverse();
  }

  /** the run with this id, or the only one whose id starts or ends so */
  find(id: string): string {
    const all = this.list();
    if (all.includes(id)) return id;
    const similar = all.filter((candidate) => candidate.startsWith(id) || candidate.endsWith(id));
    if (similar.length === 1 && similar[0] !== undefined) return similar[0];
    const why = similar.length > 1 ? `"${id}" fits ${similar.length} runs` : `there is no run "${id}"`;
    throw new UsageError(why, { hint: 'examctl runs list shows them' });
  }

  open(): OpenRun[] {
    return namesIn(this.#open)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .flatMap((name) => this.#openRun(name.slice(0, -'.json'.length)) ?? []);
  }

  /** who opened the run, and its process */
  mark(id: string): OpenMark {
    const mark = this.#readMark(id);
    if (mark !== undefined) return mark;
    throw new UsageError(`run ${id} is not open`, { hint: 'examctl runs list shows the runs' });
  }

  /** Undefined when it was closed since the folder was read. */
  #openRun(id: string): OpenRun | undefined {
    const mark = this.#readMark(id);
    if (mark === undefined) return undefined;
    const { identity, process } = mark;
    return { id, identity, life: process === null ? 'gone' : lifeOf(process) };
  }

  #readMark(id: string): OpenMark | undefined {
    return readJson<OpenMark>(this.#markFile(id), { identity: { id: '', environment: '', operation: '' } });
  }

  #markFile(id: string): string {
    return join(this.#open, `${id}.json`);
  }
}

function journalFile(file: string, isBegun: () => boolean): Journal {
  return {
    append: (entry: JournalEntry) => {
      const line: JournalLine = { at: new Date().toISOString(), ...entry };
      return appendLine(file, JSON.stringify(line));
    },
    read: async () => parseJournal(readText(file) ?? '').lines,
    damage: async () => (isBegun() ? journalDamage(readText(file)) : null),
  };
}
