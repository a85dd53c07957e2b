import type { Progress } from '../commands/context.ts';
import type { Listener } from '../lifecycle/events.ts';

/** Says on stderr what a run does. */
export function progressListener(progress: Progress, verbose: boolean): Listener {
  /** what the innermost activity is, when it is one of ours */
  let active: 'change' | 'hold' | 'revert' | undefined;
  const begin = (kind: typeof active, text: string, seconds: number) => {
    if (active !== undefined) progress.done();
    active = kind;
    progress.start(text, seconds);
  };
  const end = (text?: string) => {
    if (active === undefined) return;
    active = undefined;
    progress.done(text);
  };
  return (event) => {
    switch (event.type) {
      case 'run.started':
        if (verbose) progress.note(`run ${event.run}: ${event.folder}`);
        break;
      case 'lock.taken':
        if (event.why !== undefined) {
          progress.note(`warning: the run lock is a file that only this host sees: ${event.why}`);
        }
        break;
      case 'change.started':
        begin('change', event.text, event.seconds);
        break;
      case 'change.verified':
        end(event.outcome.message);
        break;
      case 'hold.started':
        begin('hold', event.text, event.seconds);
        break;
      case 'revert.started':
        begin('revert', `revert: ${event.text}`, 5);
        break;
      case 'revert.verified':
        end(`proven: ${event.outcome.message}`);
        break;
      case 'revert.retried':
        progress.update(`not yet: ${event.message}`);
        break;
      case 'proof.started':
        begin('revert', event.text, 5);
        break;
      case 'proof.done':
        end(event.text);
        break;
      case 'warning':
        if (active === 'change') end();
        progress.note(`warning: ${event.message}`);
        break;
      case 'run.finished':
        end();
        break;
      case 'plan.made':
      case 'change.applied':
        break;
    }
  };
}
