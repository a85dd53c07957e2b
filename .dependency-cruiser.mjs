/** The arrows of the house (CONTRIBUTING.md): bin -> main -> commands -> features -> parts -> lifecycle. */
const parts = '^src/(checks|probes|faults|helpers|collectors|actions|platforms)/';
const features = '^src/(rehearsal|load|exam-mode|services)/';

function forbid(name, comment, from, to, rest = {}) {
  return { name, severity: 'error', comment, from: { path: from }, to: { path: to, ...rest } };
}

export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Move what both need into a file of its own.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'Nothing uses this file: delete it or use it.',
      from: { orphan: true, path: '^src/', pathNot: '^src/(cli|index)\\.ts$' },
      to: {},
    },
    forbid(
      'lifecycle-alone',
      'lifecycle is the core: hand what it needs in as a port. A library of pure functions is no port.',
      '^src/lifecycle/',
      '^(src/(?!lifecycle/)|node_modules/(?!(fastest-levenshtein|csv-parse)/))',
    ),
    forbid(
      'lifecycle-no-io',
      'lifecycle does no I/O: declare a port, implement it in src/adapters.',
      '^src/lifecycle/',
      '^(node:)?(fs|child_process|net|http|https|os|process|readline|tty|worker_threads)',
      { dependencyTypes: ['core'] },
    ),
    forbid(
      'parts-below-features',
      'checks, probes, faults, ... know only lifecycle and platforms; pass results in.',
      parts,
      '^src/(adapters|drivers|commands|rehearsal|load|config|report|sandbox|main|cli)',
    ),
    forbid(
      'features-below-commands',
      'a feature gets adapters, drivers and output handed in by main.',
      features,
      '^src/(adapters|drivers|commands|config|report|sandbox|main|cli)',
    ),
    forbid(
      'commands-build-nothing',
      'only main builds adapters and drivers; take them from the context.',
      '^src/commands/',
      '^src/(adapters|drivers|main|cli)',
    ),
    forbid('report-is-pure', 'report turns data into text.', '^src/report/', '^src/(?!report/|lifecycle/)'),
    forbid(
      'config-is-pure',
      'config knows the lifecycle and the platforms only.',
      '^src/config/',
      '^src/(?!config/|lifecycle/|platforms/)',
    ),
    forbid(
      'adapters-at-the-edge',
      'an adapter touches one outside thing and knows the lifecycle ports.',
      '^src/adapters/',
      '^src/(?!adapters/|lifecycle/|config/)',
    ),
    forbid(
      'drivers-at-the-edge',
      'a driver knows adapters and ports, not features or commands.',
      '^src/drivers/',
      '^src/(commands|rehearsal|load|report|main|cli)',
    ),
    forbid(
      'sandbox-is-a-platform',
      'the sandbox stands for a foreign system: it knows no command and no feature.',
      '^src/sandbox/',
      '^src/(commands|rehearsal|load|report|drivers|main|cli|checks|probes|faults|collectors|actions)',
    ),
    forbid('no-way-up', 'only bin starts cli, only cli starts main.', '^src/(?!cli\\.ts)', '^src/cli\\.ts$'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
};
