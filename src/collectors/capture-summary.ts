import type { Capture, Collected } from './capture.ts';
import type { Figure, FigureCell, FigureTable } from './collector.ts';

/** The capture as a page for people. */
export function captureSummary(capture: Omit<Capture, 'outcomes' | 'files' | 'folder'>): string {
  const { environment, platform, since, capturedAt, collectors } = capture;
  const failed = collectors.filter(({ result }) => result === 'failed');
  return [
    `# Metrics of ${environment}`,
    `Platform ${platform}, ${since.toISOString()} to ${capturedAt.toISOString()}.`,
    failed.length === 0
      ? `All ${collectors.length} collectors answered.`
      : `**${failed.length} of ${collectors.length} collectors failed: ${failed.map(({ id }) => id).join(', ')}.**`,
    ...collectors.flatMap(section),
    '',
  ].join('\n\n');
}

function section({
  title,
  help,
  result,
  reason,
  hint,
  durationMs,
  figures,
  tables,
  evidence,
}: Collected): string[] {
  const heading = `## ${title}`;
  if (result === 'failed') {
    return [heading, `**Not read:** ${reason}${hint === undefined ? '' : ` (${hint})`}`];
  }
  return [
    heading,
    help,
    table(
      ['figure', 'value'],
      figures.map((figure) => [figure.title, figureText(figure)]),
    ),
    ...tables.filter(({ rows }) => rows.length > 0).flatMap(tableSection),
    `Read in ${durationMs} ms; raw: ${evidence.map((file) => `\`${file}\``).join(', ')}`,
  ];
}

function tableSection({ title, columns, rows }: FigureTable): string[] {
  const cells = rows.map((row) => row.map((cell, index) => cellText(cell, columns[index] ?? '')));
  return [`### ${title}`, table(columns, cells)];
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

export function figureText({ value, unit }: Figure): string {
  if (value === null) return 'none';
  if (typeof value === 'string') return value;
  if (unit === 'share') return `${(value * 100).toFixed(1)} %`;
  if (unit === 'bytes') return bytes(value);
  return unit === 'connections' || unit === 'requests' || unit === 'sessions'
    ? number(value)
    : `${number(value)} ${unit}`;
}

export function cellText(cell: FigureCell, column: string): string {
  if (cell === null) return 'none';
  if (typeof cell === 'string') return cell;
  return column.endsWith('_bytes') ? bytes(cell) : number(cell);
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
}

function bytes(value: number): string {
  return value < 1_048_576 ? `${(value / 1_024).toFixed(1)} KiB` : `${(value / 1_048_576).toFixed(1)} MiB`;
}
