import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { messageOf, Undetermined, UsageError } from '../lifecycle/errors.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import { renderReport } from '../report/render.ts';
import type { OutputFormat, Report } from '../report/report.ts';

const formats: readonly OutputFormat[] = ['table', 'json', 'ndjson', 'yaml', 'markdown', 'junit', 'github'];

export function requestedFormat(output = 'table'): OutputFormat {
  const format = formats.find((name) => name === output);
  if (format !== undefined) return format;
  throw new UsageError(`there is no output format "${output}"`, { hint: didYouMean(output, formats) });
}

export async function printReport(
  report: Report,
  {
    stdout,
    env,
    format,
    colour,
  }: { stdout: NodeJS.WriteStream; env: NodeJS.ProcessEnv; format: OutputFormat; colour: boolean },
): Promise<void> {
  const terminal = stdout.isTTY === true;
  const text = await renderReport(report, {
    format,
    colour: colour && wantsColour(env, terminal),
    width: stdout.columns || 100,
    terminal,
  });
  await new Promise<void>((resolve, reject) => {
    stdout.write(text, (error) => (error == null || isClosedPipe(error) ? resolve() : reject(error)));
  }).catch((cause) => {
    throw notPrinted(cause);
  });
}

function notPrinted(cause: NodeJS.ErrnoException): Undetermined {
  const isFull = cause.code === 'ENOSPC' || cause.code === 'EDQUOT';
  const hint = `${isFull ? 'the disk is full: make room where it goes, or ' : ''}send it somewhere else`;
  return new Undetermined(`the output cannot be written to stdout: ${messageOf(cause)}`, { hint, cause });
}

/** `examctl ... | head` closes the pipe early, which is no error of ours. */
function isClosedPipe(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'EPIPE';
}

function wantsColour({ NO_COLOR, FORCE_COLOR }: NodeJS.ProcessEnv, terminal: boolean): boolean {
  if (NO_COLOR) return false;
  return FORCE_COLOR ? FORCE_COLOR !== '0' : terminal;
}

/** report.md, report.html, report.json, junit.xml, and a manifest with the SHA-256 of each file of the folder. */
export async function writeReport(report: Report, folder: string, paper: Report): Promise<void> {
  const files = { 'report.json': 'json', 'junit.xml': 'junit' } as const;
  for (const [name, format] of Object.entries(files)) {
    const text = await renderReport(report, { ...asFile, format });
    await writeFile(join(folder, name), text, { mode: 0o600 });
  }
  await writeFile(join(folder, 'report.md'), await renderReport(paper, { ...asFile, format: 'markdown' }), {
    mode: 0o600,
  });
  const { renderHtml } = await import('../report/html.ts');
  await writeFile(join(folder, 'report.html'), renderHtml(paper, titleOf(paper)), { mode: 0o600 });
  const manifest: { file: string; bytes: number; sha256: string }[] = [];
  for (const file of await filesBelow(folder)) {
    // the journal goes on after the report is written
    if (['journal.ndjson', 'guardian.log', 'manifest.json'].includes(file)) continue;
    const content = await readFile(join(folder, file));
    manifest.push({
      file,
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    });
  }
  await writeFile(join(folder, 'manifest.json'), `${JSON.stringify({ files: manifest }, null, 2)}\n`, {
    mode: 0o600,
  });
}

const asFile = { colour: false, width: 120, terminal: true } as const;

function titleOf({ blocks: [first], kind }: Report): string {
  return first?.type === 'heading' ? first.text : kind;
}

async function filesBelow(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
