// Binds each rank to its own core, from the topology that all ranks of the node share. If there are more ranks than cores, it
// begins again with the first core.
//
//     hwloc-share srun -n 8 --cpu-bind=none node examples/bind.mjs

import { join } from 'hwloc-share/rank';

const session = await join();
const { rank, localRank, node, topology } = session;

const cores = topology.objects('Core');
// If the launcher does not tell local ranks, use the numbers in the job.
const core = cores[(localRank ?? rank) % cores.length];
// All threads of this process, including those of Node's thread pool.
topology.setCpuBinding(core.cpuset, { target: 'process' });

// Ask only for this thread where it ran last: a sleeping thread has not moved yet. It will wake up on its core.
const binding = topology.getCpuBinding({ target: 'process', strict: true });
const location = topology.lastCpuLocation({ target: 'thread' });
console.log(
  `rank ${rank} on ${node}: core L#${core.logicalIndex}, PUs ${core.cpuset.toListString()}; ` +
    `all threads bound to ${binding.toListString()}, this one running on ${location.toListString()}`,
);

await session.close();
