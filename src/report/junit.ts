import type { Outcome, OutcomeRecord } from '../lifecycle/outcome.ts';
import { outcomesOf } from './outcomes-of.ts';
import type { Report } from './report.ts';

export function renderJunit(report: Report): string {
  const outcomes = outcomesOf(report);
  const count = (wanted: Outcome) => outcomes.filter(({ outcome }) => outcome === wanted).length;
  const totals = attributes({
    name: `examctl ${report.kind}`,
    tests: outcomes.length,
    failures: count('fail'),
    errors: count('unknown'),
    skipped: count('skipped'),
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${totals}>`,
    `  <testsuite${totals}>`,
    ...outcomes.map((outcome) => testCase(report.kind, outcome)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(kind: string, record: OutcomeRecord): string {
  const opening = `    <testcase${attributes({ classname: `examctl.${kind}.${record.id}`, name: record.title })}>`;
  return [opening, ...result(record).map((line) => `      ${line}`), '    </testcase>'].join('\n');
}

function result({ outcome, message, hint, evidence = [] }: OutcomeRecord): string[] {
  const details = [message, ...(hint === undefined ? [] : [`hint: ${hint}`])];
  const text = escapeXml([...details, ...evidence.map((file) => `evidence: ${file}`)].join('\n'));
  switch (outcome) {
    case 'fail':
      return [`<failure${attributes({ message, type: outcome })}>${text}</failure>`];
    case 'unknown':
      return [`<error${attributes({ message, type: outcome })}>${text}</error>`];
    case 'skipped':
      return [`<skipped${attributes({ message })}/>`];
    case 'warn':
      return [`<system-out>warn: ${text}</system-out>`];
    case 'pass':
      return [`<system-out>${text}</system-out>`];
  }
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value)).replace(/[\t\n\r]/g, characterReference)}"`)
    .join('');
}

function characterReference(character: string): string {
  return `&#${character.codePointAt(0)};`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML 1.0 has no way to write control characters and lone surrogates, so they become U+FFFD. */
function escapeXml(text: string): string {
  return (
    text
      .replace(/\p{Surrogate}/gu, '\ufffd')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replace(/[&<>"']/g, (character) => entities[character] ?? character)
  );
}
