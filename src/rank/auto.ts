// Joining on import: `import topology from 'hwloc-share/auto'`, or `node --import hwloc-share/auto job.mjs`.

import type { Topology } from '../hwloc/index.js';
import { join } from './join.js';
import type { Session } from './session.js';

/** The session that the import joined. */
export const session: Session = await join();

const topology: Topology = session.topology;

/** The topology that this rank shares with the others of its node. */
export default topology;
