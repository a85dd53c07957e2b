import { UsageError } from '../lifecycle/errors.ts';
import type { OutputFormat, Report } from './report.ts';

export interface RenderOptions {
  readonly format: OutputFormat;
  readonly colour: boolean;
  /** columns of the terminal */
  readonly width: number;
  /** whether a person reads it; else a program does */
  readonly terminal: boolean;
}

/** The report as text, ending with a newline. Each format is loaded when it is asked for. */
export async function renderReport(report: Report, options: RenderOptions): Promise<string> {
  if (report.onlyShows) requireNoOutcomes(options.format, report.kind);
  switch (options.format) {
    case 'table':
      return (await import('./table.ts')).renderTable(report, options);
    case 'json':
      return (await import('./json.ts')).renderJson(report, options);
    case 'ndjson':
      return (await import('./ndjson.ts')).renderNdjson(report);
    case 'yaml':
      return (await import('./yaml.ts')).renderYaml(report);
    case 'markdown':
      return (await import('./markdown.ts')).renderMarkdown(report);
    case 'junit':
      return (await import('./junit.ts')).renderJunit(report);
    case 'github':
      return (await import('./github.ts')).renderGithub(report);
  }
}

/** UsageError when the format is one for outcomes, and the report has none. */
export function requireNoOutcomes(format: string | undefined, kind: string): void {
  if (format !== 'junit' && format !== 'github') return;
  throw new UsageError(
    `-o ${format} is for what passes or fails, and nothing of ${kind.replaceAll('.', ' ')} does`,
    {
      hint: 'use -o table, json, ndjson, yaml or markdown',
    },
  );
}
