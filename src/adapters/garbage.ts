import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * A stream leaves garbage that V8 collects only when the heap has grown to some hundred megabytes, which is much on the
 * machine of an on-call engineer. The function that this gives collects it after each so many bytes.
 */
export function collectingAfter(bytes: number): (written: number) => void {
  let since = 0;
  let collect: (() => void) | undefined;
  return (written) => {
    since += written;
    if (since < bytes) return;
    since = 0;
    collect ??= collector();
    collect();
  };
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
