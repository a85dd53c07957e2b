import { Command } from 'commander';
import { k6Manifest } from '../load/k6-manifest.ts';
import type { LoadPorts } from '../load/ports.ts';
import { prepareLoad } from '../load/run-load.ts';
import { profileNames } from '../load/scenario.ts';
import { scenarios } from '../load/scenarios/index.ts';
import type { Context } from './context.ts';
import { parseCount } from './count-argument.ts';
import { parseSeconds } from './duration-argument.ts';

interface ManifestFlags {
  readonly profile: string;
  readonly students?: number;
  readonly duration?: number;
  readonly parallelism: number;
  readonly namespace: string;
  readonly image: string;
  readonly ledgerClaim: string;
}

type ManifestContext = Pick<Context, 'openEnvironment' | 'signal' | 'options' | 'report'> & {
  loadPorts(): Promise<LoadPorts>;
};

export function loadManifestCommand(context: ManifestContext): Command {
  return new Command('manifest')
    .description('print what the k6-operator needs to run a scenario on Kubernetes, as YAML')
    .argument('<scenario>', `one of: ${scenarios.map(({ id }) => id).join(', ')}`)
    .option('--profile <name>', `how big: ${profileNames.join(', ')}`, 'smoke')
    .option('--students <number>', 'virtual students, instead of those of the profile', parseCount)
    .option('--duration <duration>', 'measured time, instead of that of the profile', parseSeconds)
    .option('--parallelism <number>', 'pods that share the students', parseCount, 4)
    .option('--namespace <name>', 'in which the pods run', 'default')
    .option('--image <reference>', 'an image with k6', 'grafana/k6:1.8.1')
    .option('--ledger-claim <name>', 'a volume claim that all pods may write to', 'examctl-ledgers')
    .addHelpText(
      'after',
      `
It holds tokens of the students: give it to kubectl at once, and keep it out of version control. The ledgers are written to
the volume claim, a file for each pod: examctl load reconcile <folder>.

Examples:
  examctl load manifest answers --profile exam-day --parallelism 4 -e staging | kubectl apply --server-side -f -
  examctl load manifest exam-day --parallelism 8 --namespace load -e staging -o json | jq '.manifests[-1]'`,
    )
    .action((scenario: string, flags: ManifestFlags) => runLoadManifest(scenario, flags, context));
}

export async function runLoadManifest(
  scenario: string,
  flags: ManifestFlags,
  { openEnvironment, signal, options, report, loadPorts }: ManifestContext,
): Promise<void> {
  const { students, duration: seconds, parallelism, namespace, image, ledgerClaim } = flags;
  const environment = await openEnvironment();
  const { breakGlass, reason } = options;
  const overrides = { students, seconds };
  const request = { environment, scenario, profile: flags.profile, overrides, signal, breakGlass, reason };
  const { plan } = await prepareLoad(request);
  const scripts = await (await loadPorts()).k6Scripts();
  const manifests = k6Manifest({ plan, parallelism, namespace, image, ledgerClaim, scripts });
  const { stringify } = await import('yaml');
  const text = manifests.map((manifest) => stringify(manifest, { blockQuote: 'literal' })).join('---\n');
  await report({
    kind: 'load.manifest',
    data: { manifests },
    rows: manifests,
    blocks: [{ type: 'code', text }],
  });
}
