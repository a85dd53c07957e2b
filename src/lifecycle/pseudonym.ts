import { createHmac } from 'node:crypto';

/** Gives a student the same name everywhere in an environment, and no way back to the student without the salt. */
export type Pseudonymiser = (student: string) => string;

export function pseudonymiser(salt: string): Pseudonymiser {
  // HMAC with an empty key can be computed by anyone who has a list of students.
  if (salt === '') throw new TypeError('pseudonyms need a salt');
  return (student) => `student-${createHmac('sha256', salt).update(student).digest('hex').slice(0, 8)}`;
}
