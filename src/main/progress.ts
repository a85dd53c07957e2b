import type { Ora } from 'ora';
import type { Progress } from '../commands/context.ts';
import { formatDuration } from '../config/duration.ts';

/** On a terminal one line that changes, with the time left; elsewhere a line for each beginning and end. */
export function progressOn(
  stderr: NodeJS.WriteStream,
  { quiet, interactive }: { quiet: boolean; interactive: boolean },
): Progress {
  if (quiet) return silent(stderr);
  return interactive ? spinner(stderr) : lines(stderr);
}

/** Warnings are not progress: they are said all the same. */
function silent(stderr: NodeJS.WriteStream): Progress {
  return {
    start: () => undefined,
    update: () => undefined,
    done: () => undefined,
    note: (text) => void stderr.write(`${text}\n`),
  };
}

const updateEvery = 10_000;

function lines(stderr: NodeJS.WriteStream): Progress {
  let current = '';
  let lastUpdate = 0;
  const say = (text: string) => void stderr.write(`${text}\n`);
  return {
    start: (text, seconds) => {
      current = text;
      lastUpdate = Date.now();
      say(
        seconds === undefined
          ? `${text} ...`
          : `${text} ... (about ${formatDuration(Math.round(seconds) * 1000)})`,
      );
    },
    update: (text) => {
      if (Date.now() - lastUpdate < updateEvery) return;
      lastUpdate = Date.now();
      say(`  ${text}`);
    },
    done: (text) => {
      if (text !== undefined) say(`  ${text}`);
      else if (current !== '') say('  done');
      current = '';
    },
    note: say,
  };
}

/** ora is loaded when the first activity begins; what is said until then is kept for its first frame. */
function spinner(stderr: NodeJS.WriteStream): Progress {
  let current: { text: string; detail: string; begin: number; seconds: number | undefined } | undefined;
  let drawn: Ora | undefined;
  let timer: NodeJS.Timeout | undefined;
  const line = () => {
    if (current === undefined) return '';
    const { text, detail, begin, seconds } = current;
    const elapsed = Math.round((Date.now() - begin) / 1000);
    const left = seconds === undefined ? `${elapsed} s` : timeLeft(seconds - elapsed);
    return `${text}${detail === '' ? '' : `: ${detail}`} (${left})`;
  };
  const redraw = () => {
    if (drawn !== undefined && current !== undefined) drawn.text = line();
  };
  const begin = async () => {
    const { default: ora } = await import('ora');
    if (current === undefined) return;
    drawn ??= ora({ stream: stderr, discardStdin: false });
    drawn.start(line());
  };
  const stop = () => {
    clearInterval(timer);
    drawn?.stop();
    current = undefined;
  };
  return {
    start: (text, seconds) => {
      stop();
      current = { text, detail: '', begin: Date.now(), seconds };
      timer = setInterval(redraw, 500);
      timer.unref();
      void begin();
    },
    update: (text) => {
      if (current !== undefined) current.detail = text;
      redraw();
    },
    done: (text) => {
      const finished = current;
      stop();
      if (finished !== undefined && text !== undefined) stderr.write(`✔ ${finished.text}: ${text}\n`);
    },
    note: (text) => {
      drawn?.stop();
      stderr.write(`${text}\n`);
      if (current !== undefined) void begin();
    },
  };
}

function timeLeft(seconds: number): string {
  return seconds > 0 ? `about ${formatDuration(seconds * 1000)} left` : 'a moment longer than expected';
}
