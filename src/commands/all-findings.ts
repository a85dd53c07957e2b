import type { Check } from '../checks/check.ts';
import type { CheckRun } from '../checks/check-run.ts';
import type { RunChecksOptions } from '../checks/running/run-checks.ts';
import {
  type Streamed,
  type StreamedFinding,
  type StreamOptions,
  streamFindings,
} from '../checks/running/stream-findings.ts';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
import type { LineSink } from '../lifecycle/line-sink.ts';
import type { Pseudonymiser } from '../lifecycle/pseudonym.ts';
import type { IntegrityContext } from './integrity-context.ts';
import { findingLine } from './integrity-lines.ts';

/** Where all findings go: into a file, or to stdout, before the report's own lines. */
export type AllFindings = { readonly file: string } | 'stdout' | null;

/** `given`: what stands after --all; true: nothing */
export function whereAllGo(given: string | boolean | undefined, output: string | undefined): AllFindings {
  if (given === undefined || given === false) return null;
  if (typeof given === 'string') return { file: fileOf(given) };
  if (output === 'ndjson') return 'stdout';
  throw new UsageError('--all prints one line for each finding, which is no part of this output format', {
    hint: 'add -o ndjson, or name a file: --all findings.ndjson',
  });
}

function fileOf(given: string): string {
  const hint = 'name one: --all findings.ndjson';
  if (given.trim() === '') throw new UsageError('--all names no file', { hint });
  if (given.endsWith('/')) throw new UsageError(`--all names a folder: ${given}`, { hint });
  return given;
}

type WriterContext = Pick<IntegrityContext, 'openSink' | 'signal' | 'progress'>;

export class FindingsWriter {
  readonly #to: Exclude<AllFindings, null>;
  readonly #sink: LineSink;
  readonly #context: WriterContext;
  #isOpen = true;
  #count = 0;
  #streamed: Streamed | undefined;
  /** why they could not be written */
  #problem: unknown;

  private constructor(to: Exclude<AllFindings, null>, sink: LineSink, context: WriterContext) {
    this.#to = to;
    this.#sink = sink;
    this.#context = context;
  }

  /** Before anything is asked: what cannot be written is told at once. */
  static async open(to: Exclude<AllFindings, null>, context: WriterContext): Promise<FindingsWriter> {
    const sink = await context.openSink(to === 'stdout' ? null : to.file);
    return new FindingsWriter(to, sink, context);
  }

  /** For RunChecksOptions.afterwards. */
  afterwards(
    checks: readonly Check[],
    students: Pseudonymiser | 'identified',
  ): NonNullable<RunChecksOptions['afterwards']> {
    return async (postgres, run, context) => {
      const { signal } = this.#context;
      const write: StreamOptions['write'] = (check, findings) => this.#write(check, findings);
      const streamed = await streamFindings(postgres, { checks, run, context, students, signal, write });
      await this.#close(this.#problem === undefined);
      if (this.#problem === undefined) this.#streamed = streamed;
    };
  }

  /** Leaves nothing of what did not become complete. */
  async discard(): Promise<void> {
    await this.#close(false);
  }

  /** The run as it is shown: what went to stdout is not said again. */
  shown(run: CheckRun): CheckRun {
    const notes = [...run.notes, ...this.#notes()];
    if (this.#to !== 'stdout') return { ...run, notes };
    return { ...run, notes, outcomes: run.outcomes.map((outcome) => ({ ...outcome, samples: [] })) };
  }

  /** Some findings could not be read or written. */
  get incomplete(): boolean {
    return this.#streamed === undefined || this.#streamed.problems.length > 0;
  }

  /** Kept and not thrown: a full disk here is no lost connection, and no reason to lose the answers. */
  async #write(check: Check, findings: readonly StreamedFinding[]): Promise<boolean> {
    this.#count += findings.length;
    this.#context.progress.update(
      `${this.#count.toLocaleString('en-GB')} findings written, now of ${check.id}`,
    );
    const lines = findings.map(({ finding, accepted }) =>
      JSON.stringify({ ...findingLine(check.id, finding), ...(accepted && { accepted }) }),
    );
    try {
      return await this.#sink.write(`${lines.join('\n')}\n`);
    } catch (error) {
      this.#problem = error;
      return false;
    }
  }

  async #close(complete: boolean): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      await this.#sink.close(complete);
    } catch (error) {
      this.#problem ??= error;
    }
  }

  #notes(): readonly string[] {
    const where = this.#to === 'stdout' ? '' : ` to ${this.#to.file}`;
    if (this.#problem !== undefined)
      return [`the findings could not be written${where}: ${messageOf(this.#problem)}`];
    if (this.#streamed === undefined) return ['the findings were not written: the run came to no end'];
    const { findings, problems } = this.#streamed;
    const written = findings === 1 ? '1 finding was' : `${findings.toLocaleString('en-GB')} findings were`;
    return [`${written} written${where}`, ...problems];
  }
}
