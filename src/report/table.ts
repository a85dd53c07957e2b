import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { alignedColumns } from './columns.ts';
import { outcomeMarks, verdictColour } from './outcome-marks.ts';
import type { RenderOptions } from './render.ts';
import type { Block, Cell, Report } from './report.ts';
import { plainStyle, type Style, terminalStyle } from './style.ts';
import { type WidthOf, widthFor, wrap } from './text-width.ts';

export async function renderTable(
  report: Report,
  { terminal, colour, width }: RenderOptions,
): Promise<string> {
  if (!terminal) return report.blocks.flatMap(plainBlock).map(withNewline).join('');
  const style = colour ? await terminalStyle() : plainStyle;
  const widthOf = await widthFor(report.blocks.flatMap(textsOf));
  // A line that fills the last column makes some terminals wrap.
  const page: Page = { style, widthOf, width: Math.max(narrowestPage, width - 1) };
  const sections = report.blocks.map((block, index) => {
    const space = index > 0 && startsParagraph(block, report.blocks[index - 1]) ? [''] : [];
    return [...space, ...terminalBlock(block, page)];
  });
  return sections.flat().map(withNewline).join('');
}

/** Enough for a mark, its word and a few letters. */
const narrowestPage = 16;

interface Page {
  readonly style: Style;
  readonly widthOf: WidthOf;
  readonly width: number;
}

function startsParagraph(block: Block, previous: Block | undefined): boolean {
  return previous?.type !== 'heading' && !(block.type === 'text' && previous?.type === 'text');
}

function terminalBlock(block: Block, page: Page): string[] {
  const { style, width, widthOf } = page;
  switch (block.type) {
    case 'heading':
      return wrap(visible(block.text), width, widthOf).map(style.bold);
    case 'text':
      return wrap(visible(block.text), width, widthOf);
    case 'list':
      return block.items.flatMap((item) => hanging('- ', visible(item), page));
    case 'table': {
      const rows = block.rows.map((row) => row.map(terminalCell));
      return alignedColumns({ columns: block.columns, rows, width, widthOf, bold: style.bold });
    }
    case 'outcomes':
      return sameTogether(block.outcomes).flatMap((outcomes) => terminalOutcomes(outcomes, page));
    case 'verdict': {
      const text = block.text === '' ? '' : ` ${visible(block.text)}`;
      const [first = '', ...rest] = wrap(`${block.verdict}${text}`, width, widthOf);
      const coloured = style.bold(style[verdictColour(block.verdict)](block.verdict));
      return [coloured + first.slice(block.verdict.length), ...rest];
    }
    case 'code':
      return visible(block.text).replace(/\n$/, '').split('\n');
  }
}

/** As wide as the longest word beside its mark, "? unknown", and two spaces. */
const outcomeWidth = 11;

/** From so many on one reason is told once for all: a database that is down makes no screen of the same sentence. */
const many = 3;

/** Outcomes with the same reason, at the place of the first; each other alone. A pass needs no reason. */
function sameTogether(outcomes: readonly OutcomeRecord[]): OutcomeRecord[][] {
  const reasonOf = ({ outcome, message, hint = '' }: OutcomeRecord) =>
    JSON.stringify([outcome, message, hint]);
  const byReason = new Map<string, OutcomeRecord[]>();
  for (const record of outcomes)
    byReason.set(reasonOf(record), [...(byReason.get(reasonOf(record)) ?? []), record]);
  return outcomes.flatMap((record) => {
    const same = byReason.get(reasonOf(record)) ?? [];
    if (record.outcome === 'pass' || same.length < many) return [[record]];
    return same[0] === record ? [same] : [];
  });
}

function terminalOutcomes(outcomes: readonly OutcomeRecord[], page: Page): string[] {
  const [first, ...others] = outcomes;
  if (first === undefined) return [];
  if (others.length === 0) return terminalOutcome(first, page);
  const titles = outcomes.map(({ title }) => title).join('; ');
  return [
    ...terminalOutcome({ ...first, title: `${outcomes.length} times` }, page),
    ...hanging(' '.repeat(outcomeWidth), visible(titles), page).map(page.style.dim),
  ];
}

function terminalOutcome({ outcome, title, message, hint }: OutcomeRecord, page: Page): string[] {
  const { style } = page;
  const { mark, colour } = outcomeMarks[outcome];
  const label = `${mark} ${outcome}`;
  const text = message === '' ? title : `${title}: ${message}`;
  const [first = '', ...rest] = hanging(label.padEnd(outcomeWidth), visible(text), page);
  const advice = hint === undefined ? [] : hanging(' '.repeat(outcomeWidth), `hint: ${visible(hint)}`, page);
  return [style[colour](label) + first.slice(label.length), ...rest, ...advice.map(style.dim)];
}

function hanging(start: string, text: string, { width, widthOf }: Page): string[] {
  const indent = ' '.repeat(start.length);
  return wrap(text, width - start.length, widthOf).map(
    (line, index) => (index === 0 ? start : indent) + line,
  );
}

function terminalCell(cell: Cell): string {
  if (cell === null) return '-';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return visible(String(cell));
}

/** For programs: no alignment, no marks, a tab between cells, one row a line. */
function plainBlock(block: Block): string[] {
  switch (block.type) {
    case 'heading':
    case 'text':
      return [visible(block.text)];
    case 'list':
      return block.items.map(visible);
    case 'table':
      return [block.columns.map(({ title }) => title), ...block.rows].map(tabSeparated);
    case 'outcomes': {
      const rows = block.outcomes.map(({ outcome, id, title, message, hint = '' }) => [
        outcome,
        id,
        title,
        message,
        hint,
      ]);
      return [['outcome', 'id', 'title', 'message', 'hint'], ...rows].map(tabSeparated);
    }
    case 'verdict':
      return [tabSeparated([block.verdict, block.text])];
    case 'code':
      return [visible(block.text).replace(/\n$/, '')];
  }
}

function tabSeparated(cells: readonly Cell[]): string {
  return cells.map((cell) => visible(String(cell ?? '')).replace(/[\t\r\n]+/g, ' ')).join('\t');
}

/** A log line or a name from the database may hold escape sequences; they must not reach the terminal. */
function visible(text: string): string {
  return String(text)
    .replace(/\r\n?/g, '\n')
    .replace(/\t/g, '  ')
    .replace(/(?!\n)\p{Cc}/gu, '\ufffd');
}

function textsOf(block: Block): string[] {
  switch (block.type) {
    case 'list':
      return [...block.items];
    case 'table':
      return [...block.columns.map(({ title }) => title), ...block.rows.flat().map(String)];
    case 'outcomes':
      return block.outcomes.flatMap(({ title, message, hint = '' }) => [title, message, hint]);
    default:
      return [block.text];
  }
}

function withNewline(line: string): string {
  return `${line}\n`;
}
