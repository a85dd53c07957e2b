import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../lifecycle/errors.ts';
import { type Journal, type JournalEntry, type JournalLine, parseJournal } from '../lifecycle/journal.ts';
import type { Plan } from '../lifecycle/plan.ts';
import type { RunFolder, RunIdentity } from '../lifecycle/run.ts';
import type { OpenRun, RunArchive } from '../lifecycle/run-archive.ts';
import { appendLine, syncFolder } from './append-file.ts';
import { makeFolder, readJson, writeFileAtomic } from './files.ts';
import { identify, isAlive, type ProcessIdentity } from './processes.ts';

export interface OpenMark {
  readonly identity: RunIdentity;
  readonly process: ProcessIdentity | null;
}

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
    const mark: OpenMark = { identity, process: identify(process.pid) ?? null };
    writeFileAtomic(this.#markFile(identity.id), JSON.stringify(mark));
    if (plan !== undefined) writeFileAtomic(join(path, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
    await Promise.all([this.#runs, this.#open].map(syncFolder));
    return { path, journal: this.journal(identity.id), close: async () => this.close(identity.id) };
  }

  path(id: string): string {
    return join(this.#runs, id);
  }

  journal(id: string): Journal {
    return journalFile(join(this.path(id), 'journal.ndjson'));
  }

  close(id: string): void {
    rmSync(this.#markFile(id), { force: true });
  }

  /** ids of all runs, the latest first */
  list(): string[] {
    return existsSync(this.#runs) ? readdirSync(this.#runs).sort().reverse() : [];
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
    if (!existsSync(this.#open)) return [];
    return readdirSync(this.#open)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .flatMap((name) => this.#openRun(name.slice(0, -'.json'.length)) ?? []);
  }

  /** who opened the run, and its process */
  mark(id: string): OpenMark {
    return JSON.parse(readFileSync(this.#markFile(id), 'utf8')) as OpenMark;
  }

  /** Undefined when it was closed since the folder was read. */
  #openRun(id: string): OpenRun | undefined {
    const mark = readJson<OpenMark>(this.#markFile(id));
    if (mark === undefined) return undefined;
    const { identity, process } = mark;
    return { id, identity, alive: process !== null && isAlive(process) };
  }

  #markFile(id: string): string {
    return join(this.#open, `${id}.json`);
  }
}

function journalFile(file: string): Journal {
  return {
    append: (entry: JournalEntry) => {
      const line: JournalLine = { at: new Date().toISOString(), ...entry };
      return appendLine(file, JSON.stringify(line));
    },
    read: async () => (existsSync(file) ? parseJournal(await readFile(file, 'utf8')).lines : []),
  };
}
