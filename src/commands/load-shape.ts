import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
import { type ExamShape, lengthOf, type StudentTime } from '../load/shape/exam-shape.ts';
import { shapeFromCsv } from '../load/shape/shape-from-csv.ts';
import { shapeFromSessions } from '../load/shape/shape-from-sessions.ts';
import type { Report } from '../report/report.ts';
import type { Context } from './context.ts';
import { parseSince, parseTime } from './since-argument.ts';

interface ShapeFlags {
  readonly from: string;
  readonly since?: Date;
  readonly until?: Date;
}

type ShapeContext = Pick<Context, 'openEnvironment' | 'report'>;

export function loadShapeCommand(context: ShapeContext): Command {
  return new Command('shape')
    .description('take number, start times and durations of the students from an exam that was, or is to be')
    .requiredOption('--from <db|file>', 'the sessions of the environment, or a schedule as CSV')
    .option('--since <time>', 'db: sessions that started since, as 2026-05-04T09:00Z or 3h', parseSince)
    .option('--until <time>', 'db: sessions that started before, as 2026-05-04T12:00Z', parseTime)
    .addHelpText(
      'after',
      `
A schedule has the columns start, duration_minutes and, if need be, extra_minutes and students:
  start,duration_minutes,extra_minutes,students
  2026-05-04T09:00+02:00,90,0,180
  2026-05-04T09:00+02:00,90,22,12

Examples:
  examctl load shape --from schedule.csv
  examctl load shape --from db --since 2026-05-04T09:00Z --until 2026-05-04T12:00Z -o json > shape.json
  examctl load run exam-day --shape shape.json --compress 10`,
    )
    .action((flags: ShapeFlags) => runLoadShape(flags, context));
}

export async function runLoadShape({ from, since, until }: ShapeFlags, context: ShapeContext): Promise<void> {
  if (from !== 'db') return context.report(shapeReport(await shapeFromCsv(await textOf(from), from)));
  if (since === undefined) {
    throw new UsageError('which sessions of the database it is to be taken from is not given', {
      hint: '--since 2026-05-04T09:00Z --until 2026-05-04T12:00Z',
    });
  }
  const environment = await context.openEnvironment();
  const shape = await shapeFromSessions(environment, { since, until: until ?? new Date() });
  await context.report(shapeReport(shape));
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(resolve(file), 'utf8');
  } catch (cause) {
    throw new UsageError(`the schedule ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

export function shapeReport(shape: ExamShape): Report {
  const { students, source } = shape;
  const known = students.flatMap(({ submit }) => submit ?? []);
  return {
    kind: 'load.shape',
    data: shape,
    rows: students,
    blocks: [
      { type: 'heading', text: `${students.length} students, ${minutes(lengthOf(shape))}: ${source}` },
      {
        type: 'table',
        columns: [
          { title: 'Start' },
          { title: 'Time' },
          { title: 'Students', align: 'right' },
          { title: 'Submitted', align: 'right' },
        ],
        rows: groupsOf(students).map(([start, time, count, submitted]) => [start, time, count, submitted]),
      },
      {
        type: 'text',
        text:
          known.length === 0
            ? 'when they submit is not known: a third early, the others in the spike at the end'
            : `${known.length} of ${students.length} submitted, half of them after ${minutes(middleOf(known))}`,
      },
    ],
  };
}

/** To the minute of start and of the time that they have: [start, time, students, of these submitted]. */
function groupsOf(students: readonly StudentTime[]): [string, string, number, number][] {
  const groups = new Map<string, [string, string, number, number]>();
  for (const { start, seconds, submit } of students) {
    const begin = `+${minutes(start)}`;
    const time = minutes(seconds);
    const group = groups.get(`${begin} ${time}`) ?? [begin, time, 0, 0];
    groups.set(`${begin} ${time}`, group);
    group[2] += 1;
    if (submit !== null) group[3] += 1;
  }
  return [...groups.values()];
}

function minutes(seconds: number): string {
  return seconds !== 0 && seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

function middleOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
