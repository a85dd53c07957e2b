import type { Verdict } from '../lifecycle/outcome.ts';
import type { RehearsalResult } from '../rehearsal/rehearse.ts';
import type { Report } from '../report/report.ts';

const exitCodes: Readonly<Record<Verdict, number>> = { GO: 0, 'NO-GO': 1, INCONCLUSIVE: 3 };

/** The verdict and its reasons first; then the gates, the phases, and where the evidence lies. */
export function rehearsalReport(result: RehearsalResult): Report & { readonly data: RehearsalResult } {
  const { verdict, reasons, gates, phases, folder, environment, profile, loadEngine, run } = result;
  const seconds = Math.round((Date.parse(result.endedAt) - Date.parse(result.startedAt)) / 1000);
  return {
    kind: 'rehearsal',
    data: result,
    outcomes: gates,
    rows: gates,
    exitCode: exitCodes[verdict],
    blocks: [
      { type: 'verdict', verdict, text: `rehearsal of ${environment}, profile ${profile}, ${seconds} s` },
      ...(reasons.length === 0 ? [] : [{ type: 'list' as const, items: reasons }]),
      { type: 'heading', text: 'Gates' },
      { type: 'outcomes', outcomes: gates },
      { type: 'heading', text: 'Phases' },
      {
        type: 'table',
        columns: [{ title: 'Phase' }, { title: 'Seconds', align: 'right' }, { title: 'What was seen' }],
        rows: phases.map((phase) => [phase.title, phase.seconds.toFixed(1), phase.summary]),
      },
      {
        type: 'text',
        text: `Load by ${loadEngine ?? 'nobody'}. Evidence, report.html, report.md, report.json and junit.xml: ${folder}`,
      },
      { type: 'text', text: `Journal: examctl runs show ${run}` },
    ],
  };
}
