// Joins on import: `import topology from 'hwloc-share/auto'`, or `node --import hwloc-share/auto job.mjs`.

import type { Topology } from '../hwloc/index.js';
import { joinOnImport, topologyOf } from './on-import.js';
import type { Session } from './index.js';

/** The session that the import joined. */
export const session: Session = await joinOnImport();

/** The topology that this rank shares with the other ranks of its node. */
const topology: Topology = topologyOf(session);
export default topology;
