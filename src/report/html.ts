import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { outcomeMarks } from './outcome-marks.ts';
import type { Block, Cell, Column, Report } from './report.ts';

/** One page that needs nothing else: to be sent by mail, read on a phone, and printed. */
export function renderHtml({ blocks }: Report, title: string): string {
  const [first, ...rest] = blocks;
  const head = first?.type === 'heading' ? `<h1>${asText(first.text)}</h1>` : first && renderBlock(first);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${asText(title)}</title>
<style>${style}</style>
</head>
<body>
${[head ?? '', ...rest.map(renderBlock)].join('\n')}
</body>
</html>
`;
}

function renderBlock(block: Block): string {
  switch (block.type) {
    case 'heading':
      return `<h2>${asText(block.text)}</h2>`;
    case 'text':
      return `<p>${asText(block.text)}</p>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${asText(item)}</li>`).join('')}</ul>`;
    case 'table':
      return table(block.columns, block.rows);
    case 'outcomes':
      return outcomesTable(block.outcomes);
    case 'verdict':
      return `<p class="verdict ${block.verdict.toLowerCase()}"><strong>${asText(block.verdict)}</strong> ${asText(block.text)}</p>`;
    case 'code':
      return `<pre>${asText(block.text)}</pre>`;
  }
}

function outcomesTable(outcomes: readonly OutcomeRecord[]): string {
  const columns = ['outcome', 'what must hold', 'what was seen'].map((title) => ({ title }));
  return table(
    columns,
    outcomes.map(({ outcome, title, message }) => [
      `${outcomeMarks[outcome].mark} ${outcome}`,
      title,
      message,
    ]),
  );
}

function table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const head = columns.map(({ title }) => `<th>${asText(title)}</th>`).join('');
  // each cell names its column: on a phone they stand below each other
  const cell = (value: Cell, { title, align }: Column) =>
    `<td data-title="${asText(title)}"${align === 'right' ? ' class="right"' : ''}>${asText(textOf(value))}</td>`;
  const body = rows.map(
    (row) => `<tr>${columns.map((column, index) => cell(row[index] ?? null, column)).join('')}</tr>`,
  );
  return `<table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}

function textOf(cell: Cell): string {
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return String(cell ?? '');
}

/** Data is never markup. */
function asText(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

const style = `
body { font: 16px/1.5 system-ui, sans-serif; color: #1c1c1c; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #e2e2e2; overflow-wrap: break-word; }
th { font-weight: 600; } .right { text-align: right; }
.verdict { padding: .8rem 1rem; border-left: .5rem solid #8a6d00; background: #fff7dd; }
.verdict.go { border-color: #1a7f37; background: #e6f6ea; } .verdict.no-go { border-color: #b42318; background: #fdeceb; }
pre { overflow-x: auto; background: #f5f5f5; padding: .6rem; }
@media (max-width: 40rem) { thead { display: none; } tr { display: block; padding: .6rem 0; border-bottom: 1px solid #ccc; } td { display: block; border: 0; padding: .1rem 0; text-align: left; } td[data-title]:not([data-title=""])::before { content: attr(data-title) ": "; font-weight: 600; } }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } tr { break-inside: avoid; } }`;
