// Rolls the declarations of each door into one file beside it: a compiler opens three files, not all that tsc wrote.
import { writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** The modules in dist/bundle that users import, and the declarations that those of each are made of. */
const doors = {
  'hwloc/index': 'hwloc/public.d.ts',
  'rank/index': 'rank/index.d.ts',
  'rank/auto': 'rank/auto.d.ts',
};

/** With these, a compiler that is set to an older language knows `Symbol.dispose` and `ErrorOptions`, too. */
const libraries = ['esnext.disposable', 'es2022.error'];

/**
 * @param {string} outDir  Where the compiled files are.
 * @param {Readonly<Record<string, readonly string[]>>} exported  What each module exports when it runs.
 * @throws {Error} Of declarations that others could not use.
 */
export async function bundleTypes(outDir, exported) {
  // Not imported above: node_modules may come only after this file was loaded.
  const [{ rollup }, { dts }] = await Promise.all([import('rollup'), import('rollup-plugin-dts')]);
  const banner = libraries.map((name) => `/// <reference lib="${name}" />`).join('\n');
  for (const [door, input] of Object.entries(doors)) {
    const bundle = await rollup({
      input: join(outDir, input),
      plugins: [otherDoors(outDir, door), dts()],
      external: /^[a-z@]/,
      onwarn: ({ message }) => {
        throw new Error(`the types of ${door}: ${message}`);
      },
    });
    const { output } = await bundle.generate({ format: 'es', banner });
    await bundle.close();
    const [{ code, imports }] = output;
    // Types of Node or of koffi, which users may not have.
    const foreign = imports.filter((name) => !name.startsWith('.'));
    if (foreign.length > 0) throw new Error(`the types of ${door} need ${foreign.join(', ')}`);
    writeFileSync(join(outDir, 'bundle', `${door}.d.mts`), withTypesApart(code, exported[door]));
  }
}

/** What a door takes from another is imported from there: it is one type for those who import both. */
function otherDoors(outDir, door) {
  // In src, hwloc is entered by its index.ts, which has more than users get.
  const files = { ...doors, 'hwloc/index': 'hwloc/index.d.ts' };
  return {
    name: 'other-doors',
    resolveId(source, importer) {
      if (importer === undefined || !source.startsWith('.')) return null;
      const file = relative(outDir, join(dirname(importer), source)).replace(/\.js$/, '.d.ts');
      const other = Object.keys(files).find((name) => name !== door && files[name] === file);
      if (other === undefined) return null;
      const path = relative(dirname(door), other);
      return { id: `${path.startsWith('.') ? '' : './'}${path}.mjs`, external: true };
    },
  };
}

/** The plugin exports a class as one, also where only its type is exported: an import of it would compile and then fail. */
function withTypesApart(code, values) {
  return code.replace(/^export \{ ([^}]*) \}( from .*)?;$/gm, (_, list, from = '') => {
    const names = list.split(', ');
    const isValue = (name) => values.includes(name.replace(/^.* as /, ''));
    return [
      ['export', names.filter(isValue)],
      ['export type', names.filter((name) => !isValue(name))],
    ]
      .filter(([, some]) => some.length > 0)
      .map(([keyword, some]) => `${keyword} { ${some.join(', ')} }${from};`)
      .join('\n');
  });
}
