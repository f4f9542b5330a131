// A first job: each rank says where it is, and what it sees.
//
//     hwloc-share mpirun -n 4 node examples/first-job.mjs

import { join } from 'hwloc-share/rank';

const session = await join();
const { rank, node, topology, outcome } = session;
// Some launchers do not tell how many ranks there are, or not even on this node.
const { size = 'an unknown number', localRank = '?', localSize = '?' } = session;

console.log(
  `rank ${rank} of ${size}: number ${localRank} of ${localSize} on ${node}, ` +
    `which has ${topology.count('Package')} packages, ${topology.count('NUMANode')} NUMA nodes, ` +
    `${topology.count('Core')} cores and ${topology.count('PU')} PUs (${outcome.how})`,
);

await session.close();
