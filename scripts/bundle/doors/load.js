// Loads core.cjs, with the code cache beside it. This text is put in front of each module that users and ranks import.

import { cacheFile } from './cache-file.js';
import { isTooOld, tooOld } from './node-version.js';

/** The address of a door: its folder in the package, and its file. */
const doorAddress = /^file:\/\/(.*\/\.?dist[^/]*\/bundle\/(?:rank|hwloc))\/\w+\.mjs(?:[?#].*)?$/;

const bundled =
  'hwloc-share: this package was bundled into another file, and can only run from its own folder; ' +
  'mark it external (esbuild: --external:hwloc-share) and bundle again';

/** @throws Error  This Node is too old, or we are in a bundle. */
function open() {
  if (isTooOld) throw refusal('HWLOC_SHARE_NODE_TOO_OLD', tooOld);
  const [, address] = doorAddress.exec(import.meta.url) ?? [];
  // A bundle has an address of its own, or (webpack) that of the source beside a folder of its own. Its files are not ours to read.
  if (address === undefined || decodeURIComponent(address) !== import.meta.dirname)
    throw refusal('HWLOC_SHARE_BUNDLED', bundled);
  const folder = import.meta.dirname.slice(0, import.meta.dirname.lastIndexOf('/'));
  // Several modules are doors to the one core: the one that is imported first opens it, for this thread.
  return (globalThis[Symbol.for(`hwloc-share:${folder}`)] ??= load(folder)).core;
}

function refusal(code, message) {
  return Object.assign(new Error(message), { code });
}

function load(folder) {
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const { Script } = process.getBuiltinModule('node:vm');
  const script = new Script(readFileSync(`${folder}/core.cjs`, 'latin1'), {
    // As it stands in the traces of errors. Not the path: those would show that of the place where the cache was made.
    filename: 'hwloc-share/dist/bundle/core.cjs',
    cachedData: cache(`${folder}/${cacheFile}`, readFileSync),
  });
  const module = { exports: {} };
  // A script with a code cache cannot import: what few ranks need is imported from here.
  const importIt = (path) => import(path);
  script.runInThisContext()(module, module.exports, import.meta.dirname, import.meta.url, importIt);
  return { core: module.exports, script };
}

/** V8 itself refuses what another version of it has made, or one with other flags, and compiles instead. */
function cache(file, readFileSync) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
