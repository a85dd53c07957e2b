import { expect, it } from 'vitest';
import { rehearsalPaper } from '../../src/commands/rehearsal-paper.ts';
import { gates } from '../../src/rehearsal/gates/index.ts';
import type { RehearsalResult } from '../../src/rehearsal/rehearse.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';

const passed = gates.map(({ id, title }) => ({
  id,
  title,
  outcome: 'pass' as const,
  message: 'seen; limit 5 s',
}));

const result: RehearsalResult = {
  run: '20261201T121851-rehearse-b44b',
  folder: '/state/runs/b44b',
  environment: 'staging',
  profile: 'smoke',
  verdict: 'GO',
  reasons: [],
  gates: passed,
  phases: [{ id: 'freeze', title: 'Freeze', seconds: 11, summary: '34 probes' }],
  startedAt: '2026-12-01T12:00:00Z',
  endedAt: '2026-12-01T12:03:00Z',
  loadEngine: 'k6 2.2.0',
  target: 'https://api.example.com',
  students: 40,
  limits: { p95Ms: 500, errorRate: 0.01, dbPool: 0.8, recoverySeconds: 15 },
  faults: [{ title: 'Redis is stopped', end: 'undone, all as before' }],
  cut: null,
};
const paper = (more: Partial<RehearsalResult> = {}) =>
  rehearsalPaper({ ...result, ...more }, { by: 'Ada <script>', version: '1.2.3' });

it('says who rehearsed what, when, with how many, and what it means', () => {
  const text = renderMarkdown(paper());
  for (const wanted of [
    'staging: GO',
    '3 min',
    'Ada',
    'https://api.example.com',
    '40 virtual students',
    '1.2.3',
  ])
    expect(text).toContain(wanted);
  expect(text).toContain('Nothing that was rehearsed speaks against holding the exam');
  expect(text).toContain('Redis is stopped: undone, all as before.');
  expect(text).not.toContain('What to do');
});

it('tells each limit once, and has a question in plain words for each gate', () => {
  const text = renderMarkdown(paper());
  expect(text).not.toContain('; limit');
  for (const { title } of gates) expect(text).not.toContain(title);
});

it('warns that a small profile says nothing about a big exam', () => {
  expect(renderMarkdown(paper())).toContain('not that it carries an exam of hundreds');
  expect(renderMarkdown(paper({ profile: 'exam-day' }))).not.toContain('Small on purpose');
});

it('says what to do, in actions', () => {
  const bad = passed.map((gate) =>
    gate.id === 'zero-data-loss' ? { ...gate, outcome: 'fail' as const } : gate,
  );
  const text = renderMarkdown(paper({ verdict: 'NO-GO', gates: bad, reasons: ['zero-data-loss'] }));
  expect(text).toContain('should not be held');
  expect(text).toContain('Do not hold the exam: answers get lost');
});

it('of a rehearsal that was cut says so, and does not call it anything else', () => {
  const text = renderMarkdown(
    paper({ verdict: 'INCONCLUSIVE', cut: 'interrupted by SIGINT', reasons: ['x'] }),
  );
  expect(text).toContain('It ended early: interrupted by SIGINT.');
  expect(text).toContain('Rehearse once more, to the end.');
});

it('is a page that needs nothing else, in which data are no markup', () => {
  const html = renderHtml(paper(), 'a title');
  expect(html).toContain('Ada &lt;script&gt;');
  expect(html).not.toMatch(/<script|<link|src=|url\(/);
});
