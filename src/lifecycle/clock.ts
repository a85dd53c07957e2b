/** The time, and waiting; tests pass one of their own. */
export interface Clock {
  now(): Date;
  /** resolves after the time, or at once when the signal is aborted; never rejects */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** aborted after the time, however the time of day is set meanwhile; keeps no process alive */
  deadline(milliseconds: number): AbortSignal;
}

export const systemClock: Clock = {
  now: () => new Date(),
  deadline: (milliseconds) => AbortSignal.timeout(milliseconds),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const stop = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      const timer = setTimeout(stop, milliseconds);
      signal?.addEventListener('abort', stop, { once: true });
    }),
};
