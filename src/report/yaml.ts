import { plainValue, withSchema } from './json.ts';
import type { Report } from './report.ts';

export async function renderYaml(report: Report): Promise<string> {
  const { stringify } = await import('yaml');
  // By way of JSON, so that both formats hold the same, and repeated objects do not become anchors.
  const data: unknown = JSON.parse(JSON.stringify(withSchema(report), plainValue));
  return stringify(data, { lineWidth: 0 });
}
