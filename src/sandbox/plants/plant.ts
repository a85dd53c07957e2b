import type { ExamRecords } from './exam-records.ts';

/** Records that make exactly one integrity check speak, with exactly so many findings. */
export interface Plant {
  /** id of the check */
  readonly check: string;
  /** what is planted, in words */
  readonly what: string;
  readonly findings: number;
  readonly outcome: 'fail' | 'warn';
  readonly plant: (records: ExamRecords) => Promise<unknown>;
}
