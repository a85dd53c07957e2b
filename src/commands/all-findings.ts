import type { Check } from '../checks/check.ts';
import type { CheckRun } from '../checks/check-run.ts';
import type { RunChecksOptions } from '../checks/running/run-checks.ts';
import { type Streamed, streamFindings } from '../checks/running/stream-findings.ts';
import { UsageError } from '../lifecycle/errors.ts';
import type { LineSink } from '../lifecycle/line-sink.ts';
import type { Pseudonymiser } from '../lifecycle/pseudonym.ts';
import type { IntegrityContext } from './integrity-context.ts';
import { findingLine } from './integrity-lines.ts';

/** Where all findings go: into a file, or to stdout, before the report's own lines. */
export type AllFindings = { readonly file: string } | 'stdout' | null;

/** `given`: what stands after --all; true: nothing */
export function whereAllGo(given: string | boolean | undefined, output: string | undefined): AllFindings {
  if (given === undefined || given === false) return null;
  if (typeof given === 'string') return { file: given };
  if (output === 'ndjson') return 'stdout';
  throw new UsageError('--all prints one line for each finding, which is no part of this output format', {
    hint: 'add -o ndjson, or name a file: --all findings.ndjson',
  });
}

export class FindingsWriter {
  readonly #to: Exclude<AllFindings, null>;
  readonly #context: Pick<IntegrityContext, 'openSink' | 'signal' | 'progress'>;
  #streamed: Streamed | undefined;

  constructor(
    to: Exclude<AllFindings, null>,
    context: Pick<IntegrityContext, 'openSink' | 'signal' | 'progress'>,
  ) {
    this.#to = to;
    this.#context = context;
  }

  /** For RunChecksOptions.afterwards. */
  afterwards(
    checks: readonly Check[],
    students: Pseudonymiser | 'identified',
  ): NonNullable<RunChecksOptions['afterwards']> {
    return async (postgres, run, context) => {
      const { openSink, signal, progress } = this.#context;
      const sink: LineSink = await openSink(this.#to === 'stdout' ? null : this.#to.file);
      let complete = false;
      let count = 0;
      try {
        this.#streamed = await streamFindings(postgres, {
          checks,
          run,
          context,
          students,
          signal,
          write: async (check, findings) => {
            count += findings.length;
            progress.update(`${count.toLocaleString('en-GB')} findings written, now of ${check.id}`);
            const lines = findings.map(({ finding, accepted }) =>
              JSON.stringify({ ...findingLine(check.id, finding), ...(accepted && { accepted }) }),
            );
            return sink.write(`${lines.join('\n')}\n`);
          },
        });
        complete = true;
      } finally {
        await sink.close(complete);
      }
    };
  }

  /** The run as it is shown: what went to stdout is not said again. */
  shown(run: CheckRun): CheckRun {
    const notes = [...run.notes, ...this.#notes()];
    if (this.#to !== 'stdout') return { ...run, notes };
    return { ...run, notes, outcomes: run.outcomes.map((outcome) => ({ ...outcome, samples: [] })) };
  }

  /** Some findings could not be read. */
  get incomplete(): boolean {
    return this.#streamed === undefined || this.#streamed.problems.length > 0;
  }

  #notes(): readonly string[] {
    if (this.#streamed === undefined) return ['the findings were not written: the run came to no end'];
    const { findings, problems } = this.#streamed;
    const where = this.#to === 'stdout' ? '' : ` to ${this.#to.file}`;
    return [`${findings.toLocaleString('en-GB')} findings were written${where}`, ...problems];
  }
}
