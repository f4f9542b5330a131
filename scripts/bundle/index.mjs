// Bundles the compiled product into dist/bundle: what users and ranks import, and the command.
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleTypes } from './types.mjs';
import { writeWrongDoors } from './wrong-doors.mjs';

/** What ranks and users import, by its name in the core, and the file that it is compiled to. */
const parts = { rank: 'rank/index.js', onImport: 'rank/on-import.js', hwloc: 'hwloc/index.js' };

/** Files that take from the core what they export: those that the core is made of, and the door for users to one of them. */
const throughPart = [...Object.entries(parts), ['hwloc', 'hwloc/public.js']];

/** A module says by its name what it is: of a `.js`, Node looks for a package.json in each folder above, to be told. */
const outExtension = { '.js': '.mjs' };

/** What is loaded first, and says so where it cannot load the rest. */
const doors = join(import.meta.dirname, 'doors');

/** So that an older Node than ours says what it needs, and not that it cannot read the file. */
const forAnyNode = {
  target: 'node10',
  supported: { 'dynamic-import': true, 'top-level-await': true, 'import-meta': true },
};

/** What few ranks need, and the core imports when one does; and where it goes, one folder below the bundle as its door takes it. */
const rare = { 'rank/report/recorder': 'rank/recorder' };

/**
 * All that ranks and users import becomes one script, dist/bundle/core.cjs, and a small ES module for each of the doors to it.
 *
 * A rank that imports sixty small files, of a shared file system even, pays for every one of them. And a script can have a code cache,
 * which an ES module cannot: compiling costs a rank more than running does (doors/load.js, and doors/cache.js, which makes it).
 *
 * @param {string} outDir  Where the compiled files are; dist/bundle is made in it.
 */
export async function bundle(outDir) {
  // Not imported above: node_modules may come only after this file was loaded.
  const { build } = createRequire(import.meta.url)('esbuild');
  const common = {
    absWorkingDir: outDir,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20.19',
    legalComments: 'none',
    lineLimit: 120,
  };
  const doorsOfParts = await Promise.all(
    Object.entries(parts).map(([part, file]) => partOf(part, file, outDir)),
  );
  await build({
    ...common,
    stdin: { contents: doorsOfParts.join('\n'), resolveDir: outDir, sourcefile: 'core.js' },
    outfile: 'bundle/core.cjs',
    format: 'cjs',
    // Names and lines stay as they are: an error shows both, and of an uncaught one Node prints the whole line.
    minifySyntax: true,
    define: { 'import.meta.dirname': 'bundleFolder', 'import.meta.url': 'bundleUrl' },
    banner: { js: '(function (module, exports, bundleFolder, bundleUrl, bundleImport) {' },
    footer: { js: '})' },
    plugins: [forTheCore(outDir)],
  });
  await build({
    ...common,
    entryPoints: [...entriesOf(['rank/index', 'rank/auto']), { in: 'hwloc/public.js', out: 'hwloc/index' }],
    outdir: 'bundle',
    format: 'esm',
    plugins: [throughCore(outDir)],
    outExtension,
    ...forAnyNode,
  });
  await build({
    ...common,
    entryPoints: Object.entries(rare).map(([module, out]) => ({ in: `${module}.js`, out })),
    outdir: 'bundle',
    format: 'esm',
    plugins: [throughCore(outDir)],
    outExtension,
  });
  await build({
    ...common,
    entryPoints: [{ in: join(doors, 'bin.js'), out: 'launcher/bin' }],
    outdir: 'bundle',
    // Once its one import is inside, it is a plain script, of either format; Node 10 runs it.
    format: 'esm',
    banner: { js: '#!/usr/bin/env node' },
    external: ['./bin.mjs'],
    outExtension: { '.js': '.cjs' },
    ...forAnyNode,
  });
  await build({
    ...common,
    entryPoints: [{ in: join(doors, 'cache.js'), out: 'cache' }],
    outdir: 'bundle',
    external: ['./rank/index.mjs'],
    format: 'esm',
    outExtension,
  });
  const exported = {
    'rank/index': await namesIn(join(outDir, 'rank/index.js')),
    'hwloc/index': await namesIn(join(outDir, 'hwloc/public.js')),
    // To import it would be to join.
    'rank/auto': ['default', 'session'],
  };
  await bundleTypes(outDir, exported);
  const names = new Set(Object.values(exported).flat());
  names.delete('default');
  writeWrongDoors(outDir, [...names]);
  const { metafile } = await build({
    ...common,
    entryPoints: [{ in: 'launcher/bin.js', out: 'launcher/bin' }],
    outdir: 'bundle',
    splitting: true,
    chunkNames: 'launcher/[name]-[hash]',
    // yargs-parser stands before each job with options, and is four files: bundled, as it is published, it starts 3 ms sooner. The other
    // packages are for commands, which do not start jobs: they stay packages, so that npm keeps them up to date.
    packages: 'bundle',
    external: ['koffi', 'yargs', 'execa', 'p-limit'],
    format: 'esm',
    sourcemap: 'linked',
    plugins: [withoutFacades, builtinsOfPackages],
    outExtension,
    metafile: true,
  });
  writeFileSync(
    join(outDir, 'bundle/launcher/LICENSES.txt'),
    licencesOf(Object.keys(metafile.inputs), outDir),
  );
  await build({
    ...common,
    entryPoints: [
      { in: 'xmlfile/bin.js', out: 'xmlfile/bin' },
      { in: 'launcher/commands/doctor/probe.js', out: 'launcher/probe' },
    ],
    outdir: 'bundle',
    format: 'esm',
    plugins: [withoutFacades],
    outExtension,
  });
  copyFileSync(
    join(import.meta.dirname, '../../src/xmlfile/front.sh'),
    join(outDir, 'bundle/xmlfile/front.sh'),
  );
}

/** The licences of the packages that are in the command's bundle, which each asks to be handed on. */
function licencesOf(inputs, outDir) {
  // A name with a colon is of a module that a plugin makes.
  const folders = inputs.flatMap((input) => /^[^:]*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []);
  return [...new Set(folders)]
    .sort()
    .map((folder) => {
      const path = join(outDir, folder);
      const file = readdirSync(path).find((name) => /^licen[cs]e/i.test(name));
      if (file === undefined) throw new Error(`${folder} has no licence that could be handed on`);
      return `${folder.replace(/^.*node_modules\//, '')}\n\n${readFileSync(join(path, file), 'utf8').trim()}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

const withoutFacades = onLoadOf(withoutFacadesIn);

/**
 * The same for a package that is bundled, whose source stays as it is published: its imports of Node's own modules lead to a module that
 * hands them on.
 */
const builtinsOfPackages = {
  name: 'builtins-of-packages',
  setup({ onResolve, onLoad }) {
    const namespace = 'builtin';
    onResolve({ filter: /^[\w/:]+$/ }, ({ path, importer }) =>
      isBuiltin(path) && isOfPackage(importer) ? { path, namespace } : undefined,
    );
    // A function for each of its functions, of which the used ones stay. Not the module itself: esbuild would look at each of its properties,
    // and in Node 24 one of node:util's loads what looks at process.stderr.
    onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: functionsOf(path)
        .map(
          (name) =>
            `export const ${name} = (...words) => process.getBuiltinModule('${path}').${name}(...words);`,
        )
        .join('\n'),
    }));
  },
};

/** The names of a module's functions, without a look at what is loaded when it is looked at. */
function functionsOf(path) {
  const properties = Object.getOwnPropertyDescriptors(process.getBuiltinModule(path));
  return Object.keys(properties)
    .filter((name) => typeof properties[name].value === 'function' && /^[a-z]\w*$/.test(name))
    .sort();
}

/** A part of the core, as a plain object: what `export * as` makes has a function for each name. */
async function partOf(part, file, outDir) {
  const names = await namesIn(join(outDir, file));
  const imported = names.map((name) => `${name} as ${part}_${name}`);
  const members = names.map((name) => `${name}: ${part}_${name}`);
  return `import { ${imported.join(', ')} } from './${file}';\nexport const ${part} = { ${members.join(', ')} };`;
}

/** What a compiled module exports. */
async function namesIn(path) {
  return Object.keys(await import(pathToFileURL(path).href)).sort();
}

/**
 * What is imported when it is needed is in the core from the start: it is there anyway, and a core some of which is imported later has a
 * function around each of its modules. Only what is rare is left out: it is a module of its own, which takes its parts from the core. A
 * script that has a code cache cannot import by itself.
 */
function forTheCore(outDir) {
  return onLoadOf((text, path) => {
    const imports = [];
    const changed = withoutFacadesIn(text).replace(/\bimport\('(\.[^']*)'\)/g, (_, to) => {
      const module = relative(outDir, join(dirname(path), to));
      const out = rare[module.replace(/\.js$/, '')];
      if (out !== undefined) return `bundleImport('../${out}.mjs')`;
      const name = `later${imports.length}`;
      imports.push(`import * as ${name} from '${to}';`);
      return `Promise.resolve(${name})`;
    });
    return `${imports.join('\n')}\n${changed}`;
  });
}

/**
 * Takes Node's own modules as they are, not as ES modules. For those, Node reads each name that they export, when they are imported
 * first; node:fs loads all of its streams for that: 4 ms, of every rank. In Node 24, node:util loads what looks at process.stderr, which makes
 * the job's pipe non-blocking.
 */
function withoutFacadesIn(text) {
  return text.replace(/^import \{([^}]*)\} from '([\w/:]+)';?$/gm, (whole, names, module) =>
    isBuiltin(module)
      ? `const {${names.replace(/ as /g, ': ')}} = process.getBuiltinModule('${module}');`
      : whole,
  );
}

function isOfPackage(path) {
  return path.includes('/node_modules/');
}

/** A plugin that changes the text of each file of ours. */
function onLoadOf(change) {
  return {
    name: 'on-load',
    setup({ onLoad }) {
      onLoad({ filter: /\.m?js$/, namespace: 'file' }, ({ path }) => ({
        contents: isOfPackage(path) ? readFileSync(path, 'utf8') : change(readFileSync(path, 'utf8'), path),
        loader: 'js',
      }));
    },
  };
}

/** Takes the parts from the core, whoever imports them. */
function throughCore(outDir) {
  const load = readFileSync(join(doors, 'load.js'), 'utf8');
  // A job must not fail because of what it imports only to join.
  const openOrNot = `
    import { withoutCore } from './without-core.js';
    function onImport() {
      try {
        return open().onImport;
      } catch (error) {
        return withoutCore(error);
      }
    }`;
  return {
    name: 'through-core',
    setup({ onLoad }) {
      for (const [part, file] of throughPart) {
        const path = join(outDir, file);
        onLoad({ filter: new RegExp(`/${file.replace('.', '\\.')}$`) }, async () => {
          const names = `{ ${(await namesIn(path)).join(', ')} }`;
          const contents =
            part === 'onImport'
              ? `${openOrNot}\nexport const ${names} = onImport();`
              : `export const ${names} = open().${part};`;
          return { contents: `${load}\n${contents}\n`, resolveDir: doors, loader: 'js' };
        });
      }
    },
  };
}

function entriesOf(modules) {
  return modules.map((module) => ({ in: `${module}.js`, out: module }));
}
