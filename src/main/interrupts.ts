import { type ExamctlError, Interrupted, Undetermined } from '../lifecycle/errors.ts';

type Ending = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface Interrupts {
  readonly signal: AbortSignal;
  /** from now on a signal has its default effect again */
  release(): void;
}

/**
 * The first SIGINT, SIGTERM or SIGHUP, or the time limit, aborts the one signal that everything listens to, and
 * what is open gets reverted. The second SIGINT leaves at once: `onSecond` says what is still there.
 */
export function listenForInterrupts(options: {
  readonly timeout: number | undefined;
  readonly onFirst: (text: string) => void;
  readonly onSecond: () => void;
}): Interrupts {
  const controller = new AbortController();
  const begin = (reason: ExamctlError, text: string) => {
    options.onFirst(text);
    controller.abort(reason);
  };
  const handler = (signal: Ending) => {
    if (!controller.signal.aborted) {
      begin(
        new Interrupted(signal),
        `${signal}: ending in order, reverting what is open; once more to leave at once`,
      );
    } else if (signal === 'SIGINT') options.onSecond();
  };
  const endings: readonly Ending[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const ending of endings) process.on(ending, handler);
  const timer =
    options.timeout === undefined
      ? undefined
      : setTimeout(
          () =>
            begin(
              outOfTime(),
              'the time limit of --timeout has passed: ending in order, reverting what is open',
            ),
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

function outOfTime(): Undetermined {
  return new Undetermined('it was not done within --timeout; what was open has been reverted', {
    hint: 'give it more time, or see what it waited for with --verbose',
  });
}
