// Loads core.cjs, with the code cache beside it. This text is put in front of each module that users and ranks import.
const { readFileSync } = process.getBuiltinModule('node:fs');

const folder = import.meta.dirname.slice(0, import.meta.dirname.lastIndexOf('/'));
// Several modules are doors to the one core: whoever is imported first opens it, for this thread.
const { core } = (globalThis[Symbol.for(`hwloc-share:${folder}`)] ??= open());

function open() {
  const { Script } = process.getBuiltinModule('node:vm');
  const script = new Script(readFileSync(`${folder}/core.cjs`, 'latin1'), {
    // As it stands in the traces of errors. Not the path: those would show that of the place where the cache was made.
    filename: 'hwloc-share/dist/bundle/core.cjs',
    cachedData: cache(),
  });
  const module = { exports: {} };
  // A script with a code cache cannot import: what few ranks need is imported from here.
  const importIt = (path) => import(path);
  script.runInThisContext()(module, module.exports, import.meta.dirname, import.meta.url, importIt);
  return { core: module.exports, script };
}

/** V8 itself refuses what another version of it has made, or one with other flags, and compiles instead. */
function cache() {
  try {
    return readFileSync(`${folder}/core.cache`);
  } catch {
    return undefined;
  }
}
