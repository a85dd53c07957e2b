import { createHash } from 'node:crypto';
import { readText } from '../../adapters/files.ts';
import type { Disturbance, Helpers } from '../../lifecycle/disturbance.ts';
import type { Snapshot } from '../../lifecycle/environment.ts';
import { storedDisturbances } from '../../sandbox/disturbances.ts';
import type { SandboxFiles } from '../../sandbox/folder.ts';
import { readJobs } from '../../sandbox/job-switch.ts';
import type { PartStatus } from '../../sandbox/supervised-process.ts';
import { variablesOf } from './variables.ts';

export interface SnapshotOptions {
  readonly files: SandboxFiles;
  readonly parts: readonly PartStatus[];
  readonly helpers: Pick<Helpers, 'find'>;
}

/** Without process ids and times: what was started again, and is as it was, is equal. Secrets are in it as digests only. */
export function sandboxSnapshot({ files, parts, helpers }: SnapshotOptions): Snapshot {
  const disturbances = storedDisturbances(files.folder).map(({ disturbance }) => disturbance);
  const isVendor = ({ kind }: Disturbance) => kind === 'vendor';
  return {
    ...Object.fromEntries(parts.map((part) => [`${part.id} state`, stateOf(part)])),
    ...Object.fromEntries(
      parts
        .filter(({ service }) => service === 'backend')
        .map((part) => [`${part.id} variables`, variablesDigest(part)]),
    ),
    'backend env file': digest(readText(files.backendEnvironment) ?? ''),
    'background jobs': readJobs(files, false)
      .map(({ key, enabled }) => `${key} ${enabled ? 'on' : 'off'}`)
      .join(', '),
    network: listed(disturbances.filter((one) => !isVendor(one))),
    'mail vendor': listed(disturbances.filter(isVendor)),
    helpers: helpers.find().join(', ') || 'none',
  };
}

function stateOf({ state, detail }: PartStatus): string {
  return detail === undefined ? state : `${state} (${detail})`;
}

function variablesDigest({ pid }: PartStatus): string {
  const variables = pid === undefined ? undefined : variablesOf(pid);
  return variables === undefined ? 'unknown' : digest(variables.sort().join('\n'));
}

function listed(disturbances: readonly Disturbance[]): string {
  return disturbances.map((disturbance) => JSON.stringify(disturbance)).join(' ') || 'undisturbed';
}

function digest(text: string): string {
  return `sha256 ${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
