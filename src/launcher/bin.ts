// The command hwloc-share.

import { main } from './index.js';

await main(process.argv.slice(2));
