import type { LogLine } from '../lifecycle/environment.ts';
import { redacted } from '../lifecycle/redact.ts';
import type { Report } from '../report/report.ts';

/** Log lines without the secrets that got into them, each after the instance that wrote it. */
export function logLinesReport(kind: string, written: readonly LogLine[]): Report {
  const lines = written.map((line) => ({ ...line, text: redacted(line.text) }));
  const text = lines.map((line) => `${line.instance}  ${line.text}`).join('\n');
  return { kind, data: { lines }, rows: lines, blocks: text === '' ? [] : [{ type: 'code', text }] };
}

/** Followed lines are printed as they come, others together. */
export async function reportLines(
  kind: string,
  lines: AsyncIterable<LogLine>,
  { follow, report }: { readonly follow: boolean; readonly report: (report: Report) => Promise<void> },
): Promise<void> {
  const seen: LogLine[] = [];
  for await (const line of lines) {
    if (follow) await report(logLinesReport(kind, [line]));
    else seen.push(line);
  }
  if (!follow) await report(logLinesReport(kind, seen));
}
