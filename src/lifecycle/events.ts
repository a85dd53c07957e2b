import type { JournalLine, Worker } from './journal.ts';
import type { OutcomeRecord } from './outcome.ts';
import type { Plan } from './plan.ts';

/** Everything that an operation tells while it runs. Progress, audit log and JSON streams only listen. */
export type LifecycleEvent =
  | {
      readonly type: 'run.started';
      readonly run: string;
      readonly operation: string;
      readonly folder: string;
    }
  | { readonly type: 'lock.taken'; readonly where: 'database' | 'file'; readonly why?: string }
  | { readonly type: 'plan.made'; readonly plan: Plan }
  | { readonly type: 'change.started'; readonly text: string; readonly seconds: number }
  | { readonly type: 'change.applied'; readonly text: string }
  | { readonly type: 'change.verified'; readonly outcome: OutcomeRecord }
  | { readonly type: 'hold.started'; readonly seconds: number; readonly text: string }
  | { readonly type: 'revert.started'; readonly text: string; readonly by: Worker }
  | { readonly type: 'revert.verified'; readonly text: string; readonly outcome: OutcomeRecord }
  | { readonly type: 'revert.retried'; readonly text: string; readonly message: string }
  | { readonly type: 'proof.started'; readonly text: string }
  | { readonly type: 'proof.done'; readonly text: string }
  | { readonly type: 'warning'; readonly message: string }
  | {
      readonly type: 'run.finished';
      readonly run: string;
      readonly result: Extract<JournalLine, { type: 'run.finished' }>['result'];
      readonly message: string;
    };

export type Listener = (event: LifecycleEvent) => void;
