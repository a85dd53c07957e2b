import type { Ora } from 'ora';
import type { Progress } from '../commands/context.ts';
import { formatDuration } from '../config/duration.ts';

/** On a terminal one line that changes, with the time left; elsewhere a line for each beginning and end. */
export function progressOn(
  stderr: NodeJS.WriteStream,
  { quiet, interactive }: { quiet: boolean; interactive: boolean },
): Progress {
  if (quiet) return silent(stderr);
  // ora never ends on a terminal that says that it has no columns, as script(1) and containers make them.
  return interactive && stderr.columns !== 0 ? spinner(stderr) : lines(stderr);
}

/** Warnings are not progress: they are said all the same. */
function silent(stderr: NodeJS.WriteStream): Progress {
  return {
    start: () => undefined,
    update: () => undefined,
    done: () => undefined,
    end: () => undefined,
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
    end: () => {
      current = '';
    },
    note: say,
  };
}

interface Activity {
  readonly text: string;
  readonly begin: number;
  readonly seconds: number | undefined;
  detail: string;
}

/**
 * The innermost activity is shown, and the one around it again when that is done. ora is loaded when the first
 * begins; what is said until then is kept for its first frame.
 */
function spinner(stderr: NodeJS.WriteStream): Progress {
  const activities: Activity[] = [];
  let drawn: Ora | undefined;
  const line = () => {
    const activity = activities.at(-1);
    if (activity === undefined) return '';
    const { text, detail, begin, seconds } = activity;
    const elapsed = Math.round((Date.now() - begin) / 1000);
    const left = seconds === undefined ? `${elapsed} s` : timeLeft(seconds - elapsed);
    return `${text}${detail === '' ? '' : `: ${detail}`} (${left})`;
  };
  const redraw = () => {
    if (drawn !== undefined && activities.length > 0) drawn.text = line();
  };
  const draw = async () => {
    const { default: ora } = await import('ora');
    if (activities.length === 0) return;
    drawn ??= ora({ stream: stderr, discardStdin: false });
    drawn.start(line());
  };
  const write = (text: string) => {
    drawn?.stop();
    stderr.write(`${text}\n`);
    if (activities.length > 0) void draw();
  };
  setInterval(redraw, 500).unref();
  return {
    start: (text, seconds) => {
      activities.push({ text, detail: '', begin: Date.now(), seconds });
      void draw();
    },
    update: (text) => {
      const activity = activities.at(-1);
      if (activity !== undefined) activity.detail = text;
      redraw();
    },
    done: (text) => {
      const finished = activities.pop();
      if (finished !== undefined && text !== undefined) write(`✔ ${finished.text}: ${text}`);
      else if (activities.length === 0) drawn?.stop();
    },
    end: () => {
      activities.length = 0;
      drawn?.stop();
    },
    note: write,
  };
}

function timeLeft(seconds: number): string {
  return seconds > 0 ? `about ${formatDuration(seconds * 1000)} left` : 'a moment longer than expected';
}
