import { afterEach, describe, expect, it } from 'vitest';
import { type Interrupts, listenForInterrupts } from '../../src/main/interrupts.ts';

describe('the end of a command before its time', () => {
  let interrupts: Interrupts | undefined;
  afterEach(() => interrupts?.release());

  const listen = (reverts: boolean, timeout?: number) => {
    const said: string[] = [];
    interrupts = listenForInterrupts({
      timeout,
      reverts: () => reverts,
      onFirst: (text) => said.push(text),
      onSecond: () => said.push('second'),
    });
    const { signal } = interrupts;
    const aborted = new Promise<Error>((resolve) =>
      signal.addEventListener('abort', () => resolve(signal.reason)),
    );
    return { said, aborted };
  };

  it('by --timeout tells of a revert only where there is something to revert', async () => {
    const changing = listen(true, 1);
    expect((await changing.aborted).message).toBe(
      'it was not done within --timeout; what was open has been reverted',
    );
    interrupts?.release();
    const reading = listen(false, 1);

    expect((await reading.aborted).message).toBe('it was not done within --timeout');
    expect(changing.said).toEqual([
      'the time limit of --timeout has passed: ending in order, reverting what is open',
    ]);
    expect(reading.said).toEqual(['the time limit of --timeout has passed: ending in order']);
  });

  it.each([
    [true, 'SIGINT: ending in order, reverting what is open; once more to leave at once'],
    [false, 'SIGINT: ending in order; once more to leave at once'],
  ])('by Ctrl-C, too (something to revert: %s)', async (reverts, text) => {
    const { said, aborted } = listen(reverts);
    process.emit('SIGINT', 'SIGINT');

    expect((await aborted).message).toBe('interrupted by SIGINT');
    expect(said).toEqual([text]);
  });
});
