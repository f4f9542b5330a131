// hwloc-share, the command. It looks at the version of Node before it loads anything that an older one cannot read.

import { isTooOld, tooOld } from './node-version.js';

if (isTooOld) {
  process.stderr.write(`${tooOld}\n`);
  process.exitCode = 1;
} else {
  import('./bin.mjs');
}
