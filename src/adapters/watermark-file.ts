import { dirname, join } from 'node:path';
import { messageOf } from '../lifecycle/errors.ts';
import type { SweptFindings, Watermark, Watermarks } from '../lifecycle/watermark.ts';
import { withFileLock } from './file-lock.ts';
import { makeFolder, readText, writeJson } from './files.ts';
import type { ProcessIdentity } from './processes.ts';

const version = 1;

/** The watermarks of environments, each in a file of its own below the folder. */
export function watermarkFiles(folder: string): Watermarks {
  const fileOf = (environment: string) => join(folder, `${environment}.json`);
  return {
    read: (environment) => readMarks(fileOf(environment)),
    change: async (environment, how) => {
      const file = fileOf(environment);
      await withFileLock(`${file}.lock`, async () => {
        // What is damaged is of no use to anybody, so it is replaced.
        const marks = how(readMarks(file).marks);
        makeFolder(dirname(file));
        writeJson(file, { version, marks });
      });
    },
    sweepAlone: async (environment, of, sweep) => {
      const seen: { begun: boolean; holder?: ProcessIdentity } = { begun: false };
      const begin = () => {
        seen.begun = true;
        return sweep();
      };
      const onWait = (holder: ProcessIdentity) => {
        seen.holder = holder;
      };
      try {
        const file = join(folder, `${environment}-${of}.sweep`);
        return { swept: await withFileLock(file, begin, { patience: 0, onWait }) };
      } catch (error) {
        if (seen.begun) throw error;
        // A folder that cannot be written to is no reason to look at nothing.
        return seen.holder === undefined ? { swept: await sweep() } : { busy: `process ${seen.holder.pid}` };
      }
    },
  };
}

function readMarks(file: string): ReturnType<Watermarks['read']> {
  try {
    const text = readText(file);
    if (text === undefined) return { marks: [], damaged: null };
    return { marks: parsed(JSON.parse(text)), damaged: null };
  } catch (error) {
    return { marks: [], damaged: `${file} cannot be used: ${messageOf(error)}` };
  }
}

function parsed(content: unknown): Watermark[] {
  if (!isRecord(content) || !Array.isArray(content.marks)) throw new TypeError('it holds no watermarks');
  if (content.version !== version)
    throw new TypeError(`it is of version ${String(content.version)}, and this examctl reads ${version}`);
  if (!content.marks.every(isWatermark)) throw new TypeError('a watermark in it is not complete');
  return content.marks;
}

function isWatermark(value: unknown): value is Watermark {
  if (!isRecord(value) || !isRecord(value.sweep) || !isRecord(value.sweep.findings)) return false;
  const { of, server, at, sweep } = value;
  return (
    typeof of === 'string' &&
    typeof server === 'string' &&
    [at, sweep.snapshotAt, sweep.watermark].every(isTime) &&
    Object.values(value.sweep.findings).every(isSwept)
  );
}

function isSwept(value: unknown): value is SweptFindings {
  if (!isRecord(value) || typeof value.count !== 'number') return false;
  const { keys } = value;
  return keys === null || (Array.isArray(keys) && keys.every((key) => typeof key === 'string'));
}

/** As toISOString writes it: such texts are ordered like the times. */
function isTime(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
