import { parseArgs } from 'node:util';
import { identify, isAlive } from '../adapters/processes.ts';
import { helpers } from '../helpers/index.ts';
import { environmentOfOwnFlags, ownFlagOptions } from './open-environment.ts';

/** `examctl internal helper`: one process of a disturbance; ends by itself when its time is over. */
export async function runHelper(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      ...ownFlagOptions,
      name: { type: 'string' },
      mark: { type: 'string' },
      life: { type: 'string' },
      option: { type: 'string', multiple: true, default: [] },
    },
  });
  const { name, life, option } = values;
  const helper = helpers.find((candidate) => candidate.name === name);
  const seconds = Number(life);
  if (helper === undefined || !(seconds > 0)) throw new Error(`no helper ${name} with a life of ${life} s`);
  // A terminal that is closed does not end it; SIGTERM does, at once, unless the helper has something to bring to its end.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  // whoever started it may be gone, and nobody reads on
  process.stdout.on('error', () => undefined);
  const options = new Map(
    option.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
  const signal = AbortSignal.timeout(seconds * 1000);
  // it also keeps the process alive, which the timer of the signal does not
  setTimeout(() => process.exit(), seconds * 1000);
  const like = options.get('like');
  if (like !== undefined) endWith(Number(like));
  await helper.run({
    option: (key) => options.get(key) ?? '',
    environment: () => environmentOfOwnFlags(values, { signal, onProgress: () => undefined }),
    ready: () => void process.stdout.write('ready\n'),
    signal,
  });
  process.exit();
}

/** Alone it disturbs nobody, and would keep the control groups or the network of a container that is gone. */
function endWith(pid: number): void {
  const other = identify(pid);
  if (other === undefined) throw new Error(`process ${pid}, beside which it is to work, is gone`);
  setInterval(() => {
    if (!isAlive(other)) process.exit();
  }, 100);
}
