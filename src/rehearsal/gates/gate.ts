import type { Thresholds } from '../../lifecycle/environment.ts';
import type { Outcome, OutcomeRecord } from '../../lifecycle/outcome.ts';
import { type Evidence, evidenceFiles } from '../evidence.ts';

export interface Limits extends Thresholds {
  readonly recoverySeconds: number;
}

export interface Judgement {
  readonly outcome: Outcome;
  readonly message: string;
  readonly hint?: string;
}

/** One criterion of the verdict: a pure question to the evidence. */
export interface Gate {
  readonly id: string;
  readonly title: string;
  /** the parts of the evidence without which it cannot be judged */
  readonly needs: readonly (keyof Evidence)[];
  judge(evidence: Evidence, limits: Limits): Judgement;
}

/** A gate whose evidence is missing is unknown; nothing is concluded from what was not seen. */
export function judgeGate(gate: Gate, evidence: Evidence, limits: Limits): OutcomeRecord {
  const { id, title, needs } = gate;
  const record = {
    id,
    title,
    evidence: needs.filter((part) => isThere(evidence[part])).map((part) => evidenceFiles[part]),
  };
  const missing = needs.filter((part) => !isThere(evidence[part]));
  if (missing.length > 0) {
    return {
      ...record,
      outcome: 'unknown',
      message: `no evidence: ${missing.map(partName).join(', ')} did not take place`,
    };
  }
  return { ...record, ...gate.judge(evidence, limits) };
}

function isThere(part: Evidence[keyof Evidence]): boolean {
  return Array.isArray(part) ? part.length > 0 : part !== undefined;
}

function partName(part: keyof Evidence): string {
  return part.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** The worst of several records, with the messages of those that are as bad. Of none, or only skipped ones: unknown. */
export function summarize(records: readonly OutcomeRecord[], good: string): Judgement {
  for (const outcome of ['fail', 'unknown'] as const) {
    const bad = records.filter((record) => record.outcome === outcome);
    if (bad.length === 0) continue;
    const hint = bad.find((record) => record.hint !== undefined)?.hint;
    return {
      outcome,
      message: bad.map(({ title, message }) => `${title}: ${message}`).join('; '),
      ...(hint === undefined ? {} : { hint }),
    };
  }
  const looked = records.filter(({ outcome }) => outcome !== 'skipped');
  if (looked.length > 0) return { outcome: 'pass', message: good };
  const why = [...new Set(records.map(({ message }) => message))].join('; ');
  return { outcome: 'unknown', message: `nothing was looked at: ${why === '' ? 'there is no record' : why}` };
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 2 : 1)} %`;
}
