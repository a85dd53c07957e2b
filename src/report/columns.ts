import type { Column } from './report.ts';
import { pad, type WidthOf, wrap } from './text-width.ts';

const gap = 2;
/** Narrower than this a column only shows splinters of words. */
const narrowest = 8;

interface ColumnsOptions {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  readonly width: number;
  readonly widthOf: WidthOf;
  readonly bold: (text: string) => string;
}

/** Aligned columns; cells wrap when the terminal is narrow, and a row becomes a paragraph when ids would be cut. */
export function alignedColumns({ columns, rows, width, widthOf, bold }: ColumnsOptions): string[] {
  const titles = columns.map(({ title }) => title);
  const natural = titles.map((title, index) =>
    Math.max(
      ...[title, ...rows.map((row) => row[index] ?? '')].flatMap((cell) => cell.split('\n')).map(widthOf),
    ),
  );
  const floors = natural.map((columnWidth, index) =>
    Math.max(
      Math.min(columnWidth, narrowest),
      ...rows.flatMap((row) => unbreakableIn(row[index] ?? '')).map(widthOf),
    ),
  );
  const widths = shrinkToFit(natural, floors, width - gap * (columns.length - 1));
  if (widths === undefined) return paragraphs(titles, rows, { width, widthOf, bold });
  const draw = (cells: readonly string[], style = (text: string) => text) => {
    const wrapped = widths.map((columnWidth, index) => wrap(cells[index] ?? '', columnWidth, widthOf));
    const height = Math.max(...wrapped.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) =>
      widths
        .map((columnWidth, index) => {
          const text = wrapped[index]?.[line] ?? '';
          const align = columns[index]?.align ?? 'left';
          // Only the text is styled, so that trailing space can be cut off.
          return pad(text, columnWidth, align, widthOf).replace(text, () => style(text));
        })
        .join(' '.repeat(gap))
        .trimEnd(),
    );
  };
  return [...draw(titles, bold), ...rows.flatMap((row) => draw(row))];
}

/**
 * What must stay in one piece: what a person copies as a whole (a UUID, a time, the name of a run), and of a cell that is
 * one name the parts between its hyphens.
 */
function unbreakableIn(cell: string): string[] {
  const words = cell.split(/\s+/);
  const ids = words.filter((word) => /^\(?[\w.:+-]*\d[\w.:+-]*[,;)]?$/.test(word));
  return words.length > 1 || cell.includes('/') ? ids : [...ids, ...cell.split(/(?<=[-_])/)];
}

/** Takes from the widest columns that are above their floor until all fit; undefined when they cannot. */
function shrinkToFit(
  natural: readonly number[],
  floors: readonly number[],
  available: number,
): readonly number[] | undefined {
  const widths = [...natural];
  const floorOf = (index: number) => floors[index] ?? 0;
  let excess = widths.reduce((total, width) => total + width, 0) - available;
  while (excess > 0) {
    const widest = Math.max(...widths.filter((width, index) => width > floorOf(index)));
    const index = widths.findIndex((width, at) => width === widest && width > floorOf(at));
    if (index === -1) return undefined;
    const next = Math.max(floorOf(index), ...widths.filter((width) => width < widest));
    const taken = Math.max(1, Math.min(excess, widest - next));
    widths[index] = widest - taken;
    excess -= taken;
  }
  return widths;
}

function paragraphs(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  { width, widthOf, bold }: Pick<ColumnsOptions, 'width' | 'widthOf' | 'bold'>,
): string[] {
  return rows.flatMap((row, index) => [
    ...(index === 0 ? [] : ['']),
    ...titles.flatMap((title, column) => {
      const cell = row[column] ?? '';
      if (cell === '') return [];
      const [first = '', ...rest] = wrap(`${title}: ${cell}`, width, widthOf);
      const isWhole = first.startsWith(`${title}:`);
      return [isWhole ? bold(`${title}:`) + first.slice(title.length + 1) : first, ...rest];
    }),
  ]);
}
