// Builds dist/: the command as CJS (it starts faster than ESM), each third-party library as a file
// of its own that is read only when used, and the library entry point with its types.
import { execFileSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { command, common, lazyBuiltins, libraries, root, tsc, versionConstant } from './bundle-options.mjs';

/** Takes the place of dist/ when all of it is made: a command that is started meanwhile finds the old one. */
const made = join(root, '.tmp', `dist-${process.pid}`);

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

/** Both look at something of fetch, which they can do without, and Node.js 20 loads all of fetch for it: 30 ms. */
const withoutFetch = { pg: { Response: 'undefined' }, undici: { 'globalThis.Headers': 'undefined' } };

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
    define: withoutFetch[name] ?? {},
  });
}

await Promise.all([
  build({
    ...command,
    entryPoints: ['src/cli.ts'],
    outfile: join(made, 'cli.cjs'),
  }),
  build({
    ...command,
    entryPoints: ['src/main.ts'],
    outfile: join(made, 'main.cjs'),
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
if (existsSync(tsc) && !process.argv.includes('--no-types')) {
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json', '--outDir', join(made, 'types')], {
    cwd: root,
    stdio: 'inherit',
  });
}
const dist = join(root, 'dist');
const before = `${made}-before`;
// not removed first: that takes longer than a command waits
if (existsSync(dist)) renameSync(dist, before);
renameSync(made, dist);
rmSync(before, { recursive: true, force: true });
