import { csvRows } from '../../lifecycle/csv.ts';
import { ConfigError } from '../../lifecycle/errors.ts';
import { type ExamShape, type StudentTime, shapeOf } from './exam-shape.ts';

/** of minutes, and of the students of a line: a slip of the keyboard has more */
const most = 100_000;

/**
 * From a schedule: a line for each student, or for each group of `students` that begin together. `start` is a time with
 * its zone; `extra_minutes` and `students` may be left out.
 */
export async function shapeFromCsv(text: string, file: string): Promise<ExamShape> {
  const rows = await csvRows(text, file, {
    required: ['start', 'duration_minutes'],
    optional: ['extra_minutes', 'students'],
  });
  const times = rows.flatMap(({ line, value }): StudentTime[] => {
    const place = `${file}:${line}`;
    const start = startOf(value('start'), place);
    const minutes = number(value('duration_minutes'), `${place} duration_minutes`, 1);
    const extra = number(value('extra_minutes') || '0', `${place} extra_minutes`, 0);
    const students = number(value('students') || '1', `${place} students`, 1);
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
  throw new ConfigError(`${place} start is no time with its zone`, {
    hint: 'as 2026-05-04T09:00Z, or 2026-05-04T09:00+02:00',
  });
}

function number(text: string, place: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new ConfigError(`${place} is no whole number from ${least} to ${most}`);
}
