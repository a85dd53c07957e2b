import { hostname } from 'node:os';
import { auditAnchorsIn } from '../adapters/audit-anchors.ts';
import {
  type AuditContent,
  type AuditEntry,
  type AuditReference,
  isAfterLostHead,
} from '../lifecycle/audit.ts';
import { messageOf, type Refused } from '../lifecycle/errors.ts';
import { runFinish } from '../lifecycle/journal.ts';
import type { RunIdentity } from '../lifecycle/run.ts';
import { summaryOf } from '../lifecycle/run-summary.ts';
import type { OperatorPorts } from './operator.ts';

type RecorderPorts = Pick<
  OperatorPorts,
  'environment' | 'state' | 'folders' | 'audit' | 'emit' | 'onUnrecorded' | 'actor' | 'reason' | 'breakGlass'
>;

/** Puts the runs of one environment on record: in the audit log, its anchors in the database, and the journals. */
export class RunRecorder {
  readonly #ports: RecorderPorts;
  #anchoring: Promise<unknown> = Promise.resolve();

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
  }

  async onRecord<T>(
    { operation, id }: RunIdentity,
    details: AuditContent['details'],
    action: (started: AuditReference) => Promise<T>,
    resultOf: (value: T) => string | Promise<string> = () => 'done',
  ): Promise<T> {
    const started = await this.#record(operation, id, 'started', details);
    // the run need not wait for it
    this.#anchor(started);
    const recordEnd = async (result: string) => {
      await this.#recordEnd(operation, id, result, details);
      await this.#anchoring;
    };
    let value: T;
    try {
      value = await action(referenceTo(started));
    } catch (error) {
      await recordEnd(`${nameOf(error)}: ${messageOf(error)}`);
      throw error;
    }
    await recordEnd(await resultOf(value));
    return value;
  }

  /** It is refused, whether or not that can be recorded. */
  async refused(operation: string, error: Refused): Promise<void> {
    try {
      await this.#record(operation, null, `refused: ${error.message}`, {});
    } catch (cause) {
      this.#ports.emit({ type: 'warning', message: `the refusal is not on record: ${messageOf(cause)}` });
    }
  }

  /** A NO-GO is done, too. */
  async conclusionOf(run: string): Promise<string> {
    const lines = await this.#ports.folders
      .journal(run)
      .read()
      .catch(() => []);
    const { verdict } = summaryOf(run, lines, undefined);
    return verdict === null ? 'done' : `done: ${verdict}`;
  }

  /** What was done stays done, and what was left stays left: a full disk must not hide which of them it is. */
  async #recordEnd(
    action: string,
    id: string,
    result: string,
    { recovers }: AuditContent['details'],
  ): Promise<void> {
    const { folders, emit, onUnrecorded } = this.#ports;
    try {
      const entry = await this.#record(action, id, result, recovers === undefined ? {} : { recovers });
      this.#anchor(entry);
      const run = typeof recovers === 'string' ? recovers : id;
      // a run that was refused the run lock has no folder
      if (!folders.list().includes(run)) return;
      const journal = folders.journal(run);
      await journal.append({ type: 'audit.entry', ...referenceTo(entry) });
      // its last line was lost, as the disk was full for a moment: the run counts as open, and not as well
      if (runFinish(await journal.read()) === undefined) onUnrecorded();
    } catch (error) {
      onUnrecorded();
      const message = `the end of ${id} is not on record (${messageOf(error)}): ${result}`;
      emit({ type: 'warning', message });
    }
  }

  /** The database may be away, and be what the run is about: the next anchor covers this entry, too. */
  #anchor(entry: AuditEntry): void {
    const { environment, state } = this.#ports;
    this.#anchoring = this.#anchoring.then(() =>
      auditAnchorsIn(environment, state)
        .note(entry)
        .catch(() => undefined),
    );
  }

  async #record(
    action: string,
    run: string | null,
    result: string,
    details: AuditContent['details'],
  ): Promise<AuditEntry> {
    const { environment, reason, breakGlass, audit, emit } = this.#ports;
    const actor = await this.#ports.actor();
    const entry = await audit.append({
      at: new Date().toISOString(),
      actor: actor.name,
      host: hostname(),
      environment: environment.name,
      action,
      run,
      reason: reason ?? null,
      breakGlass,
      result,
      details,
    });
    if (isAfterLostHead(entry)) {
      emit({
        type: 'warning',
        message:
          "the note of the audit log's last entry was gone: entries may have been removed. See examctl audit verify, and find out who did it",
      });
    }
    return entry;
  }
}

function referenceTo({ sequence, hash }: AuditEntry): AuditReference {
  return { sequence, hash };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'error';
}
