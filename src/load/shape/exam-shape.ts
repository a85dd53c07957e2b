/** Who sat an exam, or will sit it, and when. Times are seconds. */
export interface ExamShape {
  readonly schema: typeof shapeSchema;
  /** what it was taken from, for people */
  readonly source: string;
  /** in the order of their start */
  readonly students: readonly StudentTime[];
}

export const shapeSchema = 'examctl/load-shape/v1';

export interface StudentTime {
  /** since the first start of all */
  readonly start: number;
  /** that the student has, with extra time */
  readonly seconds: number;
  /** since the student's start; null: it is not known, so that it is drawn */
  readonly submit: number | null;
  /** null: it is not known */
  readonly answers: number | null;
}

/** From the first start until the last one's time is over. */
export function lengthOf({ students }: ExamShape): number {
  return students.reduce((most, { start, seconds }) => Math.max(most, start + seconds), 0);
}

/** The same exam in less time: what took an hour takes six minutes when compressed by 10. */
export function compressed(shape: ExamShape, factor: number): ExamShape {
  const students = shape.students.map(({ start, seconds, submit, answers }) => ({
    start: start / factor,
    seconds: seconds / factor,
    submit: submit === null ? null : submit / factor,
    answers,
  }));
  return { ...shape, students };
}

/** In the order of start, from the first one on. Start is milliseconds since 1970. */
export function shapeOf(source: string, times: readonly StudentTime[]): ExamShape {
  const first = times.reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY);
  const students = times
    .map((time) => ({ ...time, start: Math.round((time.start - first) / 10) / 100 }))
    .sort((a, b) => a.start - b.start);
  return { schema: shapeSchema, source, students };
}
