// Binds each rank to a core of its own, chosen from the topology that all ranks of the node share. Where there are more ranks
// than cores, it begins again with the first.
//
//     hwloc-share srun -n 8 --cpu-bind=none node examples/bind.mjs

import { join } from 'hwloc-share/rank';

const session = await join();
const { rank, localRank, node, topology } = session;

const cores = topology.objects('Core');
const core = cores[localRank % cores.length];
topology.setCpuBinding(core.cpuset);

console.log(
  `rank ${rank} on ${node}: core L#${core.logicalIndex}, PUs ${core.cpuset.toListString()}; ` +
    `bound to ${topology.getCpuBinding().toListString()}, running on ${topology.lastCpuLocation().toListString()}`,
);

await session.close();
