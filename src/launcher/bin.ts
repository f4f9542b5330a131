// hwloc-share, the command.

import { main } from './index.js';

await main(process.argv.slice(2));
