// Bundles what users and ranks import, and the command: each becomes one file in dist/bundle, with what they share in a few others.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/**
 * A rank that imports sixty small files, of a shared file system even, pays for every one of them: 88 ms of CPU against 15.
 */
const entries = ['rank/index', 'rank/auto', 'hwloc/index', 'launcher/bin'];

/** @param {string} outDir  Where the compiled files are; dist/bundle is made in it. */
export async function bundle(outDir) {
  // Not imported above: node_modules may come only after this file was loaded.
  const { build } = createRequire(import.meta.url)('esbuild');
  await build({
    absWorkingDir: outDir,
    entryPoints: entries.map((entry) => ({ in: `${entry}.js`, out: entry })),
    outdir: 'bundle',
    bundle: true,
    splitting: true,
    chunkNames: 'shared/[name]-[hash]',
    packages: 'external',
    plugins: [withoutFacades],
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'linked',
    legalComments: 'none',
  });
}

/**
 * Takes Node's own modules as they are, not as ES modules. For those, Node reads each name that they export, when they are imported
 * first; node:fs loads all of its streams for that: 4 ms, of every rank.
 */
const withoutFacades = {
  name: 'without-facades',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      return {
        contents: text.replace(
          /^import \{([^}]*)\} from '(node:[\w/]+)';$/gm,
          (_, names, module) =>
            `const {${names.replace(/ as /g, ': ')}} = process.getBuiltinModule('${module}');`,
        ),
        loader: 'js',
      };
    });
  },
};
