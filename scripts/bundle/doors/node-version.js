// Which Node we need. Any Node that can read a module at all must be able to read this.

/** Node 20.16 and 22.3 were the first to have it; the code of this package is written and tested for 20.19 and later. */
export const isTooOld = typeof process.getBuiltinModule !== 'function';

export const tooOld =
  'hwloc-share: Node 20.19 or later is needed (22.3 or later of Node 22), ' +
  `and ${process.execPath} is Node ${process.versions.node}`;
