import type { Plan } from '../lifecycle/plan.ts';
import type { Block, Report } from './report.ts';

/** What a run would do, as --dry-run prints it; a run prints the same before it begins. */
export function planReport(plan: Plan): Report {
  return { kind: 'plan', data: plan, outcomes: plan.steadyState, blocks: planBlocks(plan) };
}

function planBlocks(plan: Plan): Block[] {
  const blocks: Block[] = [
    { type: 'heading', text: `Plan: ${plan.operation} on ${plan.environment}` },
    { type: 'text', text: `Impact: ${plan.impact.text}.` },
  ];
  const { parts = [] } = plan;
  if (plan.changes.length > 0) blocks.push(changesTable(plan));
  else if (parts.length === 0) blocks.push({ type: 'text', text: 'Nothing to change.' });
  if (parts.length > 0) {
    blocks.push({ type: 'heading', text: 'In this order, each planned, journalled and proven on its own' });
    blocks.push({
      type: 'table',
      columns: [{ title: '#', align: 'right' }, { title: 'What' }, { title: 'Effect' }],
      rows: parts.map(({ title, effect }, index) => [index + 1, title, effect]),
    });
  }
  const { commands = [] } = plan;
  if (commands.length > 0)
    blocks.push({ type: 'heading', text: 'As commands' }, { type: 'list', items: commands });
  for (const note of plan.notes ?? []) blocks.push({ type: 'text', text: `Not in the plan: ${note}` });
  if (plan.holdSeconds !== null) blocks.push({ type: 'text', text: endText(plan.holdSeconds) });
  if (plan.steadyState.length > 0) {
    blocks.push(
      { type: 'heading', text: 'Steady state now' },
      { type: 'outcomes', outcomes: plan.steadyState },
    );
  }
  blocks.push({ type: 'text', text: `Digest ${plan.digest.slice(0, 16)}` });
  return blocks;
}

function endText(holdSeconds: number): string {
  if (holdSeconds === 0)
    return 'Over as soon as it is made; then it is seen to that all is as it was before.';
  return `Held for ${holdSeconds} s, then reverted.`;
}

function changesTable({ changes }: Plan): Block {
  return {
    type: 'table',
    columns: [
      { title: '#', align: 'right' },
      { title: 'Target' },
      { title: 'Before' },
      { title: 'After' },
      { title: 'Reversible' },
      { title: 'Seconds', align: 'right' },
    ],
    rows: changes.map(({ target, before, after, revert, seconds }, index) => [
      index + 1,
      target,
      before,
      after,
      revert === null ? 'no' : 'yes',
      seconds,
    ]),
  };
}
