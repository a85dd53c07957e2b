import { csvLines } from '../../lifecycle/csv.ts';
import { ConfigError } from '../../lifecycle/errors.ts';
import { type ExamShape, type StudentTime, shapeOf } from './exam-shape.ts';

/** of minutes, and of the students of a line: a slip of the keyboard has more */
const most = 100_000;
const columns = ['start', 'duration_minutes', 'extra_minutes', 'students'] as const;

/**
 * From a schedule: a line for each student, or for each group of `students` that begin together. `start` is a time with
 * its zone; `extra_minutes` and `students` may be left out.
 */
export function shapeFromCsv(text: string, file: string): ExamShape {
  const [header, ...lines] = csvLines(text, file);
  const at = Object.fromEntries(columns.map((name) => [name, header?.values.indexOf(name) ?? -1]));
  if (at.start === -1 || at.duration_minutes === -1) {
    const has = header === undefined ? 'it is empty' : `it has ${header.values.join(',')}`;
    throw new ConfigError(
      `${file}:${header?.line ?? 1} must have the columns start,duration_minutes: ${has}`,
      {
        hint: 'start,duration_minutes,extra_minutes,students, as 2026-05-04T09:00Z,90,0,120',
      },
    );
  }
  const times = lines.flatMap(({ line, values }): StudentTime[] => {
    const place = `${file}:${line}`;
    const textAt = (name: (typeof columns)[number]) => values[at[name] ?? -1] ?? '';
    const start = startOf(textAt('start'), place);
    const minutes = number(textAt('duration_minutes'), `${place} duration_minutes`, 1);
    const extra = number(textAt('extra_minutes') || '0', `${place} extra_minutes`, 0);
    const students = number(textAt('students') || '1', `${place} students`, 1);
    const time = { start, seconds: (minutes + extra) * 60, submit: null, answers: null };
    return Array.from({ length: students }, () => time);
  });
  if (times.length === 0) throw new ConfigError(`${file} has no student`);
  return shapeOf(file, times);
}

function startOf(text: string, place: string): number {
  const isWithZone = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:?\d{2})$/.test(text);
  const time = Date.parse(text);
  if (isWithZone && !Number.isNaN(time)) return time;
  throw new ConfigError(`${place} start: "${text}" is no time with its zone`, {
    hint: 'as 2026-05-04T09:00Z, or 2026-05-04T09:00+02:00',
  });
}

function number(text: string, place: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new ConfigError(`${place}: "${text}" is no whole number from ${least} to ${most}`);
}
