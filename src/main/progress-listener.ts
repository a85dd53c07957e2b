import type { Progress } from '../commands/context.ts';
import type { LifecycleEvent, Listener } from '../lifecycle/events.ts';

/** Says on stderr what a run does. */
export function progressListener(progress: Progress, verbose: boolean): Listener {
  return (event: LifecycleEvent) => {
    switch (event.type) {
      case 'lock.taken':
        if (event.where === 'file' && verbose)
          progress.note(`the run lock is a file of this host: ${event.why ?? ''}`);
        break;
      case 'change.started':
      case 'hold.started':
        progress.start(event.text, event.seconds);
        break;
      case 'change.verified':
        progress.done(event.outcome.message);
        break;
      case 'revert.started':
        progress.start(`revert: ${event.text}`, 5);
        break;
      case 'revert.verified':
        progress.done(`proven: ${event.outcome.message}`);
        break;
      case 'revert.retried':
        progress.update(`not yet: ${event.message}`);
        break;
      case 'warning':
        progress.note(`warning: ${event.message}`);
        break;
      case 'run.started':
        if (verbose) progress.note(`run ${event.run}: ${event.folder}`);
        break;
      case 'plan.made':
      case 'change.applied':
      case 'run.finished':
        break;
    }
  };
}
