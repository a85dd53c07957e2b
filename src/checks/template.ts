const placeholder = /^<(.+)>$/s;

/** What a person is to write in the place of this value; undefined when it is written. */
export function placeholderIn(value: string): string | undefined {
  return placeholder.exec(value.trim())?.[1];
}

/** Why this cannot be the id of a new check, or null. `taken`: id -> its file. */
export function whyNotId(id: string, taken: ReadonlyMap<string, string>): string | null {
  if (!/^[a-z]/i.test(id)) return 'an id begins with a letter, a to z';
  if (/[A-Z_ ]/.test(id)) return `ids are in kebab-case: ${kebabCase(id)}`;
  if (!/^[a-z][a-z0-9-]*$/.test(id)) return 'an id has letters a to z, digits and dashes only';
  if (/-$|--/.test(id)) return 'dashes stand between words';
  if (id.length > 60) return `an id has at most 60 characters, this one ${id.length}`;
  const file = taken.get(id);
  return file === undefined ? null : `${file} is the check of this id`;
}

function kebabCase(id: string): string {
  return id
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[_ ]+/g, '-')
    .toLowerCase();
}

/** A check that runs as it is. What is in angle brackets in its header is for a person to write. */
export function newCheck(id: string): string {
  return `-- id: ${id}
-- title: <what must hold, as a short sentence: each session has a score>
-- question: <what the statement asks: which sessions lack a score?>
-- severity: minor
-- finding: <what one row means to a student: the student finished the exam and has no result>
-- remedy: <what a person does about it; never a statement that a person runs without thinking>
-- columns: session_id (the session), user_id (personal: the student), started_at (start), submitted_at (handed in)
-- looks-at: sessions
-- cost: scan; one pass over test_sessions
-- window: sessions
-- occurred: submitted_at

-- The header above ends at the first empty line. In it
--   severity  critical or major fail the run, minor warns, info only counts
--   columns   what the statement returns, in this order; "personal:" makes pseudonyms of students' ids
--   looks-at  what a share of findings is of: sessions, questions, answers, events, submits
--   cost      catalogue, index (few rows by an index), scan (one big table) or join (two of them); then in words
--   window    sessions (--since and the like leave the rows of their sessions), time (the rows written in it), none
--   occurred  the column that tells when a finding happened; leave the line out when there is none
--   also:     revision (the first schema revision that has what it reads), suite, settings, note
-- Below it is one SELECT. Each row that it returns is a finding. Write tables without a schema, and no parameters:
-- windows take the tables' place. There are views that all checks share: answers_by_session, questions_by_session,
-- submits_by_session. This one finds sessions that were submitted before they started; write your own.
SELECT s.id AS session_id, s.user_id, s.started_at, s.submitted_at
FROM test_sessions s
WHERE s.submitted_at < s.started_at
`;
}
