/** The time, and waiting; tests pass one of their own. */
export interface Clock {
  now(): Date;
  /** resolves after the time, or at once when the signal is aborted; never rejects */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
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
