import type { Colour } from './outcome-marks.ts';

export type Style = Readonly<Record<Colour | 'bold', (text: string) => string>>;

const same = (text: string) => text;

export const plainStyle: Style = {
  bold: same,
  dim: same,
  green: same,
  yellow: same,
  red: same,
  magenta: same,
};

/** The 16 basic colours, which every theme makes readable. */
export async function terminalStyle(): Promise<Style> {
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  return {
    bold: (text) => chalk.bold(text),
    dim: (text) => chalk.dim(text),
    green: (text) => chalk.green(text),
    yellow: (text) => chalk.yellow(text),
    red: (text) => chalk.red(text),
    magenta: (text) => chalk.magenta(text),
  };
}
