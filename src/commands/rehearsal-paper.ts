import type { Outcome, OutcomeRecord, Verdict } from '../lifecycle/outcome.ts';
import type { RehearsalResult } from '../rehearsal/rehearse.ts';
import { localTime, localZone } from '../report/local-time.ts';
import type { Block, Report } from '../report/report.ts';

export interface PaperDetails {
  /** who rehearsed */
  readonly by: string;
  /** of examctl */
  readonly version: string;
}

/** The rehearsal for those who decide about the exam and have never seen a terminal: report.md and report.html. */
export function rehearsalPaper(result: RehearsalResult, details: PaperDetails): Report {
  const { verdict, environment, gates, reasons, faults, phases, folder, run } = result;
  return {
    kind: 'rehearsal.paper',
    data: result,
    blocks: [
      { type: 'heading', text: `Exam rehearsal of ${environment}: ${verdict}` },
      { type: 'table', columns: [{ title: '' }, { title: '' }], rows: aboutRows(result, details) },
      { type: 'heading', text: 'In short' },
      { type: 'verdict', verdict, text: inShort(result) },
      ...(profileCaveat(result) ?? []),
      { type: 'heading', text: 'What it means for the exam' },
      {
        type: 'table',
        columns: ['Question', 'Answer', 'What was seen', 'Limit'].map((title) => ({ title })),
        rows: gates.map((gate) => [
          questions[gate.id]?.question ?? gate.title,
          answers[gate.outcome],
          withoutLimit(gate.message),
          questions[gate.id]?.limit(result.limits) ?? '',
        ]),
      },
      ...(reasons.length === 0
        ? []
        : [
            { type: 'heading' as const, text: 'What to do' },
            { type: 'list' as const, items: actionsOf(gates, result) },
          ]),
      { type: 'heading', text: 'What was done to the platform, and restored' },
      { type: 'list', items: restoredOf(result) },
      { type: 'heading', text: 'For the technical staff' },
      {
        type: 'table',
        columns: [{ title: 'Phase' }, { title: 'Seconds', align: 'right' }, { title: 'What was seen' }],
        rows: phases.map((phase) => [phase.title, phase.seconds.toFixed(1), phase.summary]),
      },
      {
        type: 'text',
        text: `Faults: ${faults.length === 0 ? 'none was made' : faults.map(({ title }) => title).join(', ')}. Evidence, report.json and junit.xml are in ${folder}; every step: examctl runs show ${run} --journal`,
      },
    ],
  };
}

/** It stands in a column of its own. */
function withoutLimit(message: string): string {
  return message.replace(/; limit [^;]*/, '');
}

function aboutRows(result: RehearsalResult, { by, version }: PaperDetails): string[][] {
  const { startedAt, endedAt, environment, target, students, profile, loadEngine } = result;
  const minutes = Math.max(1, Math.round((Date.parse(endedAt) - Date.parse(startedAt)) / 60_000));
  return [
    ['Date', `${localTime(startedAt)} ${localZone()}, ${minutes} min`],
    ['By', by],
    ['Platform', target === null ? environment : `${environment}, ${target}`],
    ['Students', `${students} virtual students at once at most, profile ${profile}`],
    ['Made with', `examctl ${version}, load by ${loadEngine ?? 'nobody'}`],
  ];
}

const sentences: Readonly<Record<Verdict, string>> = {
  GO: 'Everything that was asked for held. Nothing that was rehearsed speaks against holding the exam.',
  'NO-GO': 'The exam should not be held on this platform as it is.',
  INCONCLUSIVE:
    'Not enough was seen to say that the exam can be held. What is missing has to be looked at first.',
};

function inShort({ verdict, gates, cut }: RehearsalResult): string {
  const bad = gates.filter(({ outcome }) => outcome === 'fail').map(({ title }) => title);
  const unknown = gates.filter(({ outcome }) => outcome === 'unknown' || outcome === 'skipped').length;
  return [
    sentences[verdict],
    ...(cut === null ? [] : [`It ended early: ${cut}.`]),
    ...(bad.length === 0 ? [] : [`What did not hold: ${bad.join('; ')}.`]),
    ...(unknown === 0 ? [] : [`${unknown} of ${gates.length} questions are open.`]),
  ].join(' ');
}

/** A small profile shows that it works, and not for how many. */
function profileCaveat({ profile, students }: RehearsalResult): Block[] | undefined {
  if (profile !== 'smoke') return undefined;
  const text = `Small on purpose: this profile acts as ${students} students for a minute. It shows that the platform works and comes back after faults, and not that it carries an exam of hundreds: for that, --profile exam-day.`;
  return [{ type: 'text', text }];
}

const answers: Readonly<Record<Outcome, string>> = {
  pass: 'it held',
  warn: 'it held, with a remark',
  fail: 'IT DID NOT HOLD',
  unknown: 'not known',
  skipped: 'not looked at',
};

interface Question {
  readonly question: string;
  readonly limit: (limits: RehearsalResult['limits']) => string;
  /** when it did not hold */
  readonly action: string;
}

/** In words of those who hold exams; the gates have those of who operates them. */
const questions: Readonly<Record<string, Question>> = {
  'zero-data-loss': {
    question: 'Is everything stored that students were told is stored?',
    limit: () => 'nothing lost',
    action:
      'Do not hold the exam: answers get lost. examctl load reconcile names each of them for the developers.',
  },
  'no-corrupted-sessions': {
    question: 'Is every exam complete, and scored rightly?',
    limit: () => 'none wrong',
    action:
      'Do not hold the exam: results would be wrong. examctl integrity check --failed-only names the sessions.',
  },
  'p95-latency': {
    question: 'Do students get their answers in time?',
    limit: ({ p95Ms }) => `95 of 100 within ${p95Ms} ms`,
    action: 'Find what is slow (evidence/metrics.json), or have fewer students at once.',
  },
  recovery: {
    question: 'Does the platform come back by itself after a fault?',
    limit: ({ recoverySeconds }) => `${recoverySeconds} s`,
    action: 'Have somebody at hand who can restart it during the exam, until it comes back by itself.',
  },
  'audit-trail': {
    question: 'Can one tell afterwards who did what when?',
    limit: () => 'each answer and submit',
    action: 'Mend the logs before the exam: complaints could not be decided.',
  },
  'exam-mode': {
    question: 'Does exam mode hold everywhere, and go away again?',
    limit: () => 'every worker',
    action: 'Do not start the exam before examctl exam-mode verify passes.',
  },
  'graceful-failure': {
    question: 'Can students go on while something is broken?',
    limit: () => 'as each fault allows',
    action: 'Decide whether the exam may depend on what was broken; the table above names it.',
  },
  'error-rate': {
    question: 'Do requests of students succeed, and do all of them come to the end?',
    limit: ({ errorRate }) => `fewer than ${(errorRate * 100).toFixed(1)} % fail`,
    action: 'Look at the failing requests (evidence/load.json has endpoint, status and request id).',
  },
  'db-pool': {
    question: 'Are there enough database connections?',
    limit: ({ dbPool }) => `${Math.round(dbPool * 100)} % in use`,
    action: 'Raise the pool, or find the connection that is not given back (evidence/pool.json).',
  },
};

function actionsOf(gates: readonly OutcomeRecord[], { cut }: RehearsalResult): string[] {
  const failed = gates.filter(({ outcome }) => outcome === 'fail');
  const open = gates.filter(({ outcome }) => outcome === 'unknown' || outcome === 'skipped');
  return [
    ...failed.map(({ id, title }) => questions[id]?.action ?? `See to it: ${title}`),
    ...(cut === null ? [] : ['Rehearse once more, to the end.']),
    ...(open.length === 0 || cut !== null
      ? []
      : [
          `Find out what could not be seen, and rehearse again: ${open.map(({ title }) => title).join('; ')}.`,
        ]),
  ];
}

function restoredOf({ faults, phases, cut }: RehearsalResult): string[] {
  const froze = phases.some(({ id }) => id === 'freeze');
  return [
    'Exam sessions of rehearsal students were written and handed in; they stay in the database.',
    ...(froze ? ['Exam mode was on meanwhile, and is as it was before.'] : []),
    ...faults.map(({ title, end }) => `${title}: ${end}.`),
    ...(cut === null
      ? []
      : ['What was open when it ended was reverted; examctl recover tells whether anything is left.']),
  ];
}
