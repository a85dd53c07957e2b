import type { LoadPlan, StudentPlan } from './load-plan.ts';

export interface ManifestRequest {
  readonly plan: LoadPlan;
  /** pods that share the students */
  readonly parallelism: number;
  readonly namespace: string;
  /** with k6: "grafana/k6:1.8.1" */
  readonly image: string;
  /** a PersistentVolumeClaim that all pods may write to: the ledgers outlive them */
  readonly ledgerClaim: string;
  /** "lib/http.js" -> its text, of each file in k6/ */
  readonly scripts: Readonly<Record<string, string>>;
}

/** Where the pods see what the manifest holds. */
const places = { scripts: '/examctl', plan: '/plan', ledgers: '/ledgers' };
/** Kubernetes keeps an object of at most 1 MiB. */
const secretBytes = 900_000;

/**
 * What the k6-operator needs to run a load on Kubernetes: the plan as Secrets, since it holds tokens, the scripts as a
 * ConfigMap, and a TestRun. The operator gives each pod an execution segment; who is which student follows from the
 * number that k6 gives a virtual user over all segments. Source: https://github.com/grafana/k6-operator (TestRun, v1alpha1).
 */
export function k6Manifest(request: ManifestRequest): readonly object[] {
  const { plan, parallelism, namespace, image, ledgerClaim, scripts } = request;
  const name = `examctl-${plan.scenario}`;
  const metadataOf = (name: string) => ({
    name,
    namespace,
    labels: { 'app.kubernetes.io/managed-by': 'examctl' },
  });
  const files = Object.keys(scripts).sort();
  const parts = partsOf(plan).map((part, index) => ({
    secret: `${name}-plan-${index + 1}`,
    file: `plan-${index + 1}.json`,
    text: JSON.stringify(part),
  }));
  const runner = {
    image,
    env: [
      { name: 'EXAMCTL_LOAD_PLAN', value: parts.map(({ file }) => `${places.plan}/${file}`).join(',') },
      { name: 'EXAMCTL_LOAD_SUMMARY', value: '/dev/null' },
      { name: 'K6_NO_USAGE_REPORT', value: 'true' },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
    volumes: [
      {
        name: 'scripts',
        configMap: { name, items: files.map((path) => ({ key: keyOf(path), path })) },
      },
      {
        name: 'plan',
        projected: { sources: parts.map(({ secret }) => ({ secret: { name: secret } })) },
      },
      { name: 'ledgers', persistentVolumeClaim: { claimName: ledgerClaim } },
    ],
    volumeMounts: [
      { name: 'scripts', mountPath: places.scripts, readOnly: true },
      { name: 'plan', mountPath: places.plan, readOnly: true },
      { name: 'ledgers', mountPath: places.ledgers },
    ],
  };
  return [
    ...parts.map(({ secret, file, text }) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: metadataOf(secret),
      stringData: { [file]: text },
    })),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadataOf(name),
      data: Object.fromEntries(files.map((path) => [keyOf(path), scripts[path]])),
    },
    {
      apiVersion: 'k6.io/v1alpha1',
      kind: 'TestRun',
      metadata: metadataOf(name),
      spec: {
        parallelism,
        arguments: `--log-format=raw --console-output=${places.ledgers}/$(POD_NAME)-ledger.ndjson`,
        script: { localFile: `${places.scripts}/scenarios/${plan.scenario}.js` },
        runner,
      },
    },
  ];
}

/** As few as each fit into a Secret; a student is not taken apart. */
function partsOf(plan: LoadPlan): LoadPlan[] {
  const parts: StudentPlan[][] = [[]];
  let bytes = 0;
  for (const student of plan.students) {
    bytes += Buffer.byteLength(JSON.stringify(student)) + 1;
    if (bytes > secretBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(student);
  }
  return parts.map((students) => ({ ...plan, students }));
}

/** A key of a ConfigMap has no slashes. */
function keyOf(path: string): string {
  return path.replaceAll('/', '--');
}
