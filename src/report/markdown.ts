import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { outcomeMarks } from './outcome-marks.ts';
import type { Block, Cell, Column, Report } from './report.ts';

export function renderMarkdown({ blocks }: Report): string {
  return `${blocks.map(renderBlock).join('\n\n')}\n`;
}

function renderBlock(block: Block): string {
  switch (block.type) {
    case 'heading':
      return `## ${escapeText(oneLine(block.text))}`;
    case 'text':
      return escapeText(block.text);
    case 'list':
      return block.items.map((item) => `- ${escapeText(item).replaceAll('\n', '\n  ')}`).join('\n');
    case 'table':
      return markdownTable(block.columns, block.rows);
    case 'outcomes':
      return outcomesTable(block.outcomes);
    case 'verdict':
      return `**${escapeText(block.verdict)}** ${escapeText(block.text)}`;
    case 'code':
      return codeBlock(block.text);
  }
}

function outcomesTable(outcomes: readonly OutcomeRecord[]): string {
  const columns = ['outcome', 'what must hold', 'what was seen', 'what to do'].map((title) => ({ title }));
  return markdownTable(
    columns,
    outcomes.map(({ outcome, title, message, hint }) => [
      `${outcomeMarks[outcome].mark} ${outcome}`,
      title,
      message,
      hint ?? '',
    ]),
  );
}

function markdownTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ title }) => escapeCell(title))),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map((_, index) => escapeCell(textOf(row[index] ?? null))))),
  ].join('\n');
}

function textOf(cell: Cell): string {
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return String(cell ?? '');
}

function escapeCell(text: string): string {
  return escapeText(text).replaceAll('|', '\\|').replace(/\r?\n/g, '<br>');
}

/** Data is never markup: a student's or a log line's text stays text. */
function escapeText(text: string): string {
  return text
    .replace(/[\\`*[\]]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}

function codeBlock(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}\n${text.replace(/\n$/, '')}\n${fence}`;
}
