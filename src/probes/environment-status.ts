import type { Environment, ServiceInstance } from '../lifecycle/environment.ts';
import { openChanges } from '../lifecycle/journal.ts';
import type { OutcomeRecord, Verdict } from '../lifecycle/outcome.ts';
import type { RunArchive } from '../lifecycle/run-archive.ts';
import type { LockState, RunLocks } from '../lifecycle/run-lock.ts';
import { summaryOf } from '../lifecycle/run-summary.ts';
import { attempt, had, judged, outcomeOf, type ProbeTitle } from './attempt.ts';
import { type ExamModeStatus, examModeStatus } from './exam-mode-status.ts';
import { countSessions } from './sessions-in-progress.ts';
import { judgeInstances } from './steady-state.ts';

const modeProbe: ProbeTitle = { id: 'exam-mode', title: 'exam mode' };
const studentsProbe: ProbeTitle = { id: 'students', title: 'students in exams' };
const servicesProbe: ProbeTitle = { id: 'services-running', title: 'services' };
const runsProbe: ProbeTitle = { id: 'open-runs', title: 'open faults and runs' };
const lockProbe: ProbeTitle = { id: 'run-lock', title: 'run lock' };
const verdictProbe: ProbeTitle = { id: 'last-verdict', title: 'last verdict' };

export interface StatusPorts {
  readonly environment: Environment;
  readonly archive: RunArchive;
  readonly locks: RunLocks;
  readonly signal: AbortSignal;
  readonly now: Date;
}

export interface EnvironmentStatus {
  readonly outcomes: readonly OutcomeRecord[];
  /** what they rest on; null also where it could not be read, which its outcome tells */
  readonly examMode: ExamModeStatus | null;
  readonly students: { readonly count: number; readonly lastEndsAt: string | null } | null;
  readonly services: readonly ServiceInstance[] | null;
  readonly openRuns: readonly OpenRunSeen[] | null;
  readonly lock: LockState | null;
  readonly lastVerdict: LastVerdict | null;
}

/** How an environment stands, each part looked at on its own: one that cannot be reached is `unknown`, and the others stand. */
export async function environmentStatus(ports: StatusPorts): Promise<EnvironmentStatus> {
  const { environment, locks, archive, signal, now } = ports;
  const [mode, students, services, runs, lock, verdict] = await Promise.all([
    attempt(() => examModeStatus(environment, { signal }), signal),
    attempt(() => countSessions(environment), signal),
    attempt(() => environment.driver.instances(), signal),
    attempt(() => openRuns(environment.name, archive), signal),
    attempt(() => locks.current(), signal),
    attempt(() => lastVerdict(environment.name, archive), signal),
  ]);
  const outcomes = [
    judged(modeProbe, mode, judgeMode),
    judged(studentsProbe, students, (seen) => judgeStudents(seen, now)),
    { ...judged(servicesProbe, services, judgeInstances), title: servicesProbe.title },
    judged(runsProbe, runs, judgeRuns),
    judged(lockProbe, lock, judgeLock),
    judged(verdictProbe, verdict, (last) => judgeVerdict(last, now)),
  ];
  return {
    outcomes,
    examMode: had(mode) ?? null,
    students: had(students) ?? null,
    services: had(services) ?? null,
    openRuns: had(runs) ?? null,
    lock: had(lock) ?? null,
    lastVerdict: had(verdict) ?? null,
  };
}

export function judgeMode({
  behaviour,
  drift,
  problems,
}: Pick<ExamModeStatus, 'behaviour' | 'drift' | 'problems'>): OutcomeRecord {
  const said = [behaviour, ...drift.map((text) => `drift: ${text}`), ...notSeen(problems)];
  const outcome =
    drift.length > 0 ? 'fail' : behaviour === 'unknown' || problems.length > 0 ? 'unknown' : 'pass';
  return outcomeOf(
    modeProbe,
    outcome,
    said.join('; '),
    outcome === 'pass' ? undefined : 'all of it: examctl exam-mode status',
  );
}

/** One reason once, with all that it kept from being seen; "flag: REASON (HINT)" is how they come. */
function notSeen(problems: readonly string[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const problem of problems) {
    const [, part = 'exam mode', reason = problem] = /^([\w ]+): (.*?)(?: \(.*\))?$/s.exec(problem) ?? [];
    byReason.set(reason, [...(byReason.get(reason) ?? []), part]);
  }
  return [...byReason].map(([reason, parts]) => `not seen: ${parts.join(', ')} (${reason})`);
}

export function judgeStudents(
  seen: { readonly count: number; readonly lastEndsAt: string | null } | null,
  now: Date,
): OutcomeRecord {
  if (seen === null) return outcomeOf(studentsProbe, 'unknown', 'the database did not say');
  const { count, lastEndsAt } = seen;
  if (count === 0) return outcomeOf(studentsProbe, 'pass', 'none');
  const until = lastEndsAt === null ? '' : `, the last until ${lastEndsAt} (${fromNow(lastEndsAt, now)})`;
  return outcomeOf(studentsProbe, 'pass', `${count}${until}`);
}

interface OpenRunSeen {
  readonly id: string;
  readonly operation: string;
  readonly actor: string;
  readonly alive: boolean;
  /** targets that are changed and not reverted */
  readonly open: readonly string[];
  readonly damage: string | null;
}

async function openRuns(environment: string, archive: RunArchive): Promise<OpenRunSeen[]> {
  const here = archive.open().filter(({ identity }) => identity.environment === environment);
  return Promise.all(
    here.map(async ({ id, identity, life }) => {
      const journal = archive.journal(id);
      const [lines, damage] = await Promise.all([journal.read(), journal.damage()]);
      const { operation, actor } = identity;
      const alive = life !== 'gone';
      return { id, operation, actor, alive, damage, open: openChanges(lines).map(({ target }) => target) };
    }),
  );
}

export function judgeRuns(runs: readonly OpenRunSeen[]): OutcomeRecord {
  if (runs.length === 0) return outcomeOf(runsProbe, 'pass', 'none of this state folder');
  const said = runs.map(({ id, operation, actor, alive, open, damage }) => {
    const what =
      damage === null ? (open.length === 0 ? 'nothing changed' : `changed: ${open.join(', ')}`) : damage;
    return `${operation} by ${actor}, ${alive ? 'at work' : 'died'}, ${what}, run ${id}`;
  });
  const dead = runs.some(({ alive, open }) => !alive && open.length > 0);
  const unclear = runs.some(({ damage, alive }) => damage !== null && !alive);
  const outcome = dead ? 'fail' : unclear ? 'unknown' : 'warn';
  const hint = dead || unclear ? 'examctl recover' : 'to end its faults: examctl fault halt';
  return outcomeOf(runsProbe, outcome, said.join('; '), hint);
}

export function judgeLock(lock: LockState | null): OutcomeRecord {
  if (lock === null) return outcomeOf(lockProbe, 'pass', 'nobody holds it');
  const { actor, host, operation, run } = lock.holder;
  const held = `${actor}@${host} for ${operation} since ${lock.acquiredAt}, run ${run}; in the ${lock.where}`;
  if (lock.expired) return outcomeOf(lockProbe, 'pass', `expired: the next run takes it over from ${held}`);
  return outcomeOf(lockProbe, 'warn', `held by ${held}`);
}

interface LastVerdict {
  readonly run: string;
  readonly verdict: Verdict;
  /** ISO 8601 */
  readonly at: string;
}

/** Of the latest rehearsal of this state folder that came to one. */
async function lastVerdict(environment: string, archive: RunArchive): Promise<LastVerdict | null> {
  for (const run of archive.list()) {
    const { verdict, ...summary } = summaryOf(run, await archive.journal(run).read(), undefined);
    const at = summary.endedAt ?? summary.startedAt;
    if (verdict !== null && at !== null && summary.environment === environment) return { run, verdict, at };
  }
  return null;
}

export function judgeVerdict(last: LastVerdict | null, now: Date): OutcomeRecord {
  if (last === null) {
    return outcomeOf(
      verdictProbe,
      'skipped',
      'no rehearsal of it is kept in this state folder',
      'examctl rehearse',
    );
  }
  const { verdict, at, run } = last;
  const text = `${verdict} ${fromNow(at, now)}, ${at}, run ${run}`;
  return outcomeOf(verdictProbe, verdict === 'GO' ? 'pass' : 'warn', text);
}

/** "in 1 h 20 min", "3 days ago". */
export function fromNow(iso: string, now: Date): string {
  const milliseconds = Date.parse(iso) - now.getTime();
  const minutes = Math.round(Math.abs(milliseconds) / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60)];
  const text = days > 1 ? `${days} days` : hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
  return milliseconds < 0 ? `${text} ago` : `in ${text}`;
}
