import { type ExamctlError, Interrupted, Undetermined } from '../lifecycle/errors.ts';

type Ending = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface Interrupts {
  readonly signal: AbortSignal;
  /** from now on a signal has its default effect again */
  release(): void;
}

/**
 * The first SIGINT, SIGTERM or SIGHUP, or the time limit, aborts the one signal that everything listens to, and
 * what is open, if anything, gets reverted. The second SIGINT leaves at once: `onSecond` says what is still there.
 */
export function listenForInterrupts(options: {
  readonly timeout: number | undefined;
  /** false: the command changes nothing, so nothing is to be reverted */
  readonly reverts: () => boolean;
  readonly onFirst: (text: string) => void;
  readonly onSecond: () => void;
}): Interrupts {
  const controller = new AbortController();
  const inOrder = () => (options.reverts() ? 'ending in order, reverting what is open' : 'ending in order');
  const begin = (reason: ExamctlError, text: string) => {
    options.onFirst(text);
    controller.abort(reason);
  };
  const handler = (signal: Ending) => {
    if (!controller.signal.aborted) {
      begin(new Interrupted(signal), `${signal}: ${inOrder()}; once more to leave at once`);
    } else if (signal === 'SIGINT') options.onSecond();
  };
  const endings: readonly Ending[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const ending of endings) process.on(ending, handler);
  const timer =
    options.timeout === undefined
      ? undefined
      : setTimeout(
          () => begin(outOfTime(options.reverts()), `the time limit of --timeout has passed: ${inOrder()}`),
          options.timeout,
        );
  timer?.unref();
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      for (const ending of endings) process.off(ending, handler);
    },
  };
}

function outOfTime(reverts: boolean): Undetermined {
  const reverted = reverts ? '; what was open has been reverted' : '';
  return new Undetermined(`it was not done within --timeout${reverted}`, {
    hint: 'give it more time, or see what it waited for with --verbose',
  });
}
