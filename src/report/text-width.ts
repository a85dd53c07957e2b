/** How many columns a text takes on a terminal. */
export type WidthOf = (text: string) => number;

/** string-width is only loaded for texts that need it: most have one column a character. */
export async function widthFor(texts: readonly string[]): Promise<WidthOf> {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is looked for
  if (texts.every((text) => /^[\x00-\x7f]*$/.test(text))) return (text) => text.length;
  return (await import('string-width')).default;
}

/** Lines no wider than `width`, broken between words, and within a word only when it is too long by itself. */
export function wrap(text: string, width: number, widthOf: WidthOf): string[] {
  return text
    .split('\n')
    .flatMap((line) => (widthOf(line) <= width ? [line] : wrapLine(line, width, widthOf)));
}

function wrapLine(line: string, width: number, widthOf: WidthOf): string[] {
  const lines: string[] = [];
  let current = /^ */.exec(line)?.[0].slice(0, Math.floor(width / 2)) ?? '';
  let isStart = true;
  for (const word of line.trim().split(/ +/)) {
    const extended = isStart ? current + word : `${current} ${word}`;
    isStart = false;
    if (widthOf(extended) <= width) {
      current = extended;
      continue;
    }
    if (current.trim() !== '') lines.push(current);
    const pieces = breakWord(word, width, widthOf);
    lines.push(...pieces.slice(0, -1));
    current = pieces.at(-1) ?? '';
  }
  return [...lines, current];
}

function breakWord(word: string, width: number, widthOf: WidthOf): string[] {
  if (widthOf(word) <= width) return [word];
  const pieces: string[] = [];
  let piece = '';
  // made here: it takes 15 ms, and few texts have such a word
  const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  for (const { segment } of graphemes.segment(word)) {
    if (piece !== '' && widthOf(piece + segment) > width) {
      const end = breakIn(piece);
      pieces.push(piece.slice(0, end));
      piece = piece.slice(end);
    }
    piece += segment;
  }
  return [...pieces, piece];
}

/** Paths, addresses and names are easier to read when they break after a separator. */
function breakIn(piece: string): number {
  const separator = /^.*[/\-_.:,;=&?@]/.exec(piece)?.[0].length ?? 0;
  return separator > piece.length / 4 ? separator : piece.length;
}

export function pad(text: string, width: number, align: 'left' | 'right', widthOf: WidthOf): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? space + text : text + space;
}
