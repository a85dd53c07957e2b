import { messageOf, Undetermined } from '../lifecycle/errors.ts';
import { readText } from './files.ts';
import { replaceFile } from './replace-file.ts';

/**
 * Sets one variable of a NAME=VALUE file (undefined: takes its line out), and leaves every other byte as it is, so that
 * setting it back gives the file back. The file as it was is kept beside it meanwhile.
 */
export function setInEnvFile(file: string, name: string, value: string | undefined): void {
  const text = textOf(file);
  replaceFile(file, text, withVariable(text, name, value, file));
}

/** As it is written there, quotes included; undefined when it is not. */
export function readFromEnvFile(file: string, name: string): string | undefined {
  const line = lineOf(textOf(file).split('\n'), name, file);
  return line?.text.slice(line.text.indexOf('=') + 1).replace(/\r$/, '');
}

function textOf(file: string): string {
  let text: string | undefined;
  try {
    text = readText(file);
  } catch (error) {
    throw new Undetermined(`the env file ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (text === undefined) {
    throw new Undetermined(`there is no env file ${file}`, {
      hint: 'exam_mode.mechanisms in examctl.yaml names the file that the service is started with',
    });
  }
  return text;
}

export function withVariable(text: string, name: string, value: string | undefined, file: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name) || (value !== undefined && /[\r\n\0]/.test(value)))
    throw new Undetermined(`an env file cannot hold ${JSON.stringify(name)} with this value`);
  const lines = text.split('\n');
  const line = lineOf(lines, name, file);
  if (line === undefined && value === undefined) return text;
  // as Windows ends lines, where the file has such: compose drops the CR
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  if (line === undefined) {
    return text === '' || text.endsWith('\n')
      ? `${text}${name}=${value}${end}`
      : `${text}${end}${name}=${value}`;
  }
  if (value === undefined) {
    lines.splice(line.index, 1);
    return lines.join('\n');
  }
  const carriageReturn = line.text.endsWith('\r') ? '\r' : '';
  lines[line.index] = line.text.slice(0, line.text.indexOf('=') + 1) + value + carriageReturn;
  return lines.join('\n');
}

/** Which of two lines counts depends on who reads the file, so nobody should have to know. */
function lineOf(
  lines: readonly string[],
  name: string,
  file: string,
): { index: number; text: string } | undefined {
  const pattern = new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=`);
  const found = lines.map((text, index) => ({ index, text })).filter(({ text }) => pattern.test(text));
  if (found.length > 1) {
    throw new Undetermined(
      `${file} sets ${name} in ${found.length} lines: ${found.map(({ index }) => index + 1).join(', ')}`,
      { hint: 'leave one of them' },
    );
  }
  return found[0];
}
