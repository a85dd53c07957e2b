import { basename, dirname, join } from 'node:path';
import { type OutcomeRecord, worst } from '../../lifecycle/outcome.ts';
import { NdjsonFile } from '../ndjson-file.ts';
import type { Finding, FindingKind, JudgedSession } from './judge-session.ts';
import type { LinePlace } from './ledger-pieces.ts';

/** A finding as it is told: the first ones in the outcome, each in the findings file. */
export interface NamedFinding {
  readonly what: FindingKind;
  readonly sessionId: string;
  readonly questionId?: string;
  /** the ledger's file name; null, as the line: nothing in a ledger says anything of it */
  readonly ledger: string | null;
  /** 1-based */
  readonly line: number | null;
  /** ids of the rows */
  readonly rows: readonly string[];
  /** "acknowledged 3, stored 1" */
  readonly detail: string;
}

export interface UnknownWrites {
  readonly stored: number;
  readonly notStored: number;
  readonly overwritten: number;
}

export interface Reconciliation extends OutcomeRecord {
  readonly counts: Readonly<Record<FindingKind, number>>;
  /** sessions, acknowledged answers and acknowledged submits that were compared */
  readonly sessions: number;
  readonly answers: number;
  readonly submits: number;
  /** writes without a clear answer, and what the database says of them; nothing is demanded of them */
  readonly unknownWrites: UnknownWrites;
  /** the first ones */
  readonly named: readonly NamedFinding[];
  /** absolute: each finding, a NamedFinding; null: there is none */
  readonly findingsFile: string | null;
  /** the answers' and the submits' part of the outcome */
  readonly parts: readonly OutcomeRecord[];
}

const id = 'ledger-reconciled';
const title = 'every acknowledged write is stored exactly once';
const namedAtMost = 20;

const parts = [
  {
    id: 'ledger-answers-stored',
    title: 'every acknowledged answer is stored as acknowledged',
    noun: 'answers',
  },
  {
    id: 'ledger-submits-stored',
    title: 'every acknowledged submit is stored once, with its score',
    noun: 'submits',
  },
] as const;

type Noun = (typeof parts)[number]['noun'];

/** Adds up sessions as they are compared; findings go to a file at once. */
export class ReconcileTally {
  readonly #ledgerFiles: readonly string[];
  readonly #findingsFile: string;
  readonly #counts: Record<Noun, Partial<Record<FindingKind, number>>> = { answers: {}, submits: {} };
  readonly #named: NamedFinding[] = [];
  readonly #compared = { sessions: 0, answers: 0, submits: 0 };
  readonly #unknown = { stored: 0, notStored: 0, overwritten: 0 };
  readonly #damaged: LinePlace[] = [];
  #file: NdjsonFile | undefined;

  /** The findings come to lie beside the first ledger. */
  constructor(ledgerFiles: readonly string[]) {
    this.#ledgerFiles = ledgerFiles;
    const [first = ''] = ledgerFiles;
    this.#findingsFile = join(dirname(first), `${basename(first, '.ndjson')}-findings.ndjson`);
  }

  compared({ answers, submits, unknown }: JudgedSession): void {
    this.#compared.sessions += 1;
    this.#compared.answers += answers;
    this.#compared.submits += submits;
    this.#unknown.stored += unknown.stored;
    this.#unknown.notStored += unknown.notStored;
    this.#unknown.overwritten += unknown.overwritten;
  }

  add(findings: readonly Finding[]): void {
    for (const { place, stored: _, ...finding } of findings) {
      const counts = this.#counts[finding.questionId === undefined ? 'submits' : 'answers'];
      counts[finding.what] = (counts[finding.what] ?? 0) + 1;
      const ledger = place === null ? null : basename(this.#ledgerFiles[place.ledger] ?? '');
      const named = { ...finding, ledger, line: place?.line ?? null };
      if (this.#named.length < namedAtMost) this.#named.push(named);
      this.#file ??= new NdjsonFile(this.#findingsFile);
      this.#file.write(named);
    }
  }

  /** What they said of whom is not known, and so neither whether it is stored. */
  cannotRead(places: readonly LinePlace[]): void {
    for (const place of places) this.#damaged.push(place);
  }

  close(): void {
    this.#file?.close();
  }

  result(): Reconciliation {
    const { answers, submits } = this.#compared;
    const { stored, notStored, overwritten } = this.#unknown;
    if (answers + submits === 0 && this.#file === undefined) {
      const unclear = stored + notStored + overwritten;
      return this.unlooked(
        `the ledger has no acknowledged write (${unclear} without a clear answer)`,
        'the outcomes of the load run say why nothing was acknowledged',
      );
    }
    const records = [...parts.map((part) => this.#part(part)), ...this.#damagedPart()].filter(
      ({ outcome }) => outcome !== 'skipped',
    );
    const hint = this.#namedOnes(() => true);
    return {
      ...this.#about(),
      outcome: worst(records.map(({ outcome }) => outcome)),
      message: records.map(({ message }) => message).join('; '),
      ...(hint === '' ? {} : { hint }),
      parts: records,
    };
  }

  /** It could not be told. */
  unlooked(message: string, hint: string | undefined): Reconciliation {
    const how = { outcome: 'unknown', message, ...(hint === undefined ? {} : { hint }) } as const;
    const evidence = this.#evidence();
    return {
      ...this.#about(),
      ...how,
      parts: parts.map((part) => ({ id: part.id, title: part.title, evidence, ...how })),
    };
  }

  #about() {
    const kinds = [
      'lost',
      'changed',
      'doubled',
      'ghost',
      'not-submitted',
      'score-differs',
      'score-wrong',
    ] as const;
    const count = (kind: FindingKind) =>
      (this.#counts.answers[kind] ?? 0) + (this.#counts.submits[kind] ?? 0);
    return {
      id,
      title,
      evidence: this.#evidence(),
      counts: Object.fromEntries(kinds.map((kind) => [kind, count(kind)])) as Record<FindingKind, number>,
      ...this.#compared,
      unknownWrites: { ...this.#unknown },
      named: this.#named,
      findingsFile: this.#file === undefined ? null : this.#findingsFile,
    };
  }

  #evidence(): string[] {
    const files = [...this.#ledgerFiles, ...(this.#file === undefined ? [] : [this.#findingsFile])];
    return files.map((file) => basename(file));
  }

  #damagedPart(): OutcomeRecord[] {
    const places = this.#damaged.slice(0, namedAtMost);
    if (places.length === 0) return [];
    const where = places.map(({ ledger, line }) => `${basename(this.#ledgerFiles[ledger] ?? '')} ${line}`);
    const more = this.#damaged.length > places.length ? ', ...' : '';
    return [
      {
        id: 'ledger-readable',
        title: 'every line of the ledger can be read',
        evidence: this.#evidence(),
        outcome: 'unknown',
        message: `${this.#damaged.length} damaged lines, of which nothing could be compared: ${where.join(', ')}${more}`,
      },
    ];
  }

  #part({ id, title, noun }: (typeof parts)[number]): OutcomeRecord {
    const about = { id, title, evidence: this.#evidence() };
    const compared = this.#compared[noun];
    const found = Object.entries(this.#counts[noun]);
    if (found.length > 0) {
      const kinds = found.map(([kind, count]) => `${count} ${kind}`).join(', ');
      const hint = this.#namedOnes(({ questionId }) => (questionId === undefined) === (noun === 'submits'));
      return { ...about, outcome: 'fail', message: `of ${compared} acknowledged ${noun}: ${kinds}`, hint };
    }
    if (compared === 0) return { ...about, outcome: 'skipped', message: `no acknowledged ${noun}` };
    return {
      ...about,
      outcome: 'pass',
      message: `${compared} acknowledged ${noun} are stored as acknowledged`,
    };
  }

  #namedOnes(isWanted: (finding: NamedFinding) => boolean): string {
    const lines = this.#named.filter(isWanted).map((finding) => this.#namedText(finding));
    const all = Object.values(this.#counts).flatMap((counts) => Object.values(counts));
    const more = all.reduce((sum, count) => sum + count, 0) - this.#named.length;
    if (more > 0) lines.push(`and ${more} more in ${this.#findingsFile}`);
    return lines.join('\n');
  }

  #namedText({ ledger, line, sessionId, questionId, what, detail, rows }: NamedFinding): string {
    const several = this.#ledgerFiles.length > 1 ? `${ledger} ` : '';
    const where = line === null ? 'no ledger line' : `${several}ledger line ${line}`;
    const question = questionId === undefined ? '' : `, question ${questionId}`;
    const row = questionId === undefined || rows.length === 0 ? '' : ` (row ${rows.join(', ')})`;
    return `${where}: session ${sessionId}${question}: ${what}, ${detail}${row}`;
  }
}
