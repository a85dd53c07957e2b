import type { Environment } from '../lifecycle/environment.ts';

export interface CollectContext {
  readonly environment: Environment;
  /** start of the time that is looked at, where there is one */
  readonly since: Date;
  readonly signal: AbortSignal;
  /** a file of raw readings in the folder of the capture; written line by line, as a log may be long */
  evidence(name: string): EvidenceFile;
}

export interface EvidenceFile {
  write(line: string): Promise<void>;
}

export interface Figure {
  /** stable: scripts read it */
  readonly name: string;
  readonly title: string;
  readonly value: number | string | null;
  readonly unit: string;
}

export type FigureCell = string | number | null;

export interface FigureTable {
  readonly name: string;
  readonly title: string;
  /** column names as in the rows, with the unit where there is one: "p95_ms" */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly FigureCell[])[];
}

export interface Reading {
  readonly figures: readonly Figure[];
  readonly tables?: readonly FigureTable[];
}

/** Reads one kind of metric. It throws when it cannot; the others go on. */
export interface Collector {
  /** also the file's name */
  readonly id: string;
  readonly title: string;
  /** of what it mainly reads */
  readonly unit: string;
  /** what the figures mean and what to look for */
  readonly help: string;
  collect(context: CollectContext): Promise<Reading>;
}
