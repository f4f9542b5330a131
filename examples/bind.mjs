// Binds each rank to a core of its own, chosen from the topology that all ranks of the node share. Where there are more ranks
// than cores, it begins again with the first.
//
//     hwloc-share srun -n 8 --cpu-bind=none node examples/bind.mjs

import { join } from 'hwloc-share/rank';

const session = await join();
const { rank, localRank, node, topology } = session;

const cores = topology.objects('Core');
// Where the launcher does not number the ranks of a node, their numbers in the job have to do.
const core = cores[(localRank ?? rank) % cores.length];
// All threads of this process, those of Node's thread pool as well.
topology.setCpuBinding(core.cpuset, { target: 'process' });

// Where threads ran last is asked for this one: a thread that sleeps has not moved yet. It will wake up on its core.
const binding = topology.getCpuBinding({ target: 'process', strict: true });
const location = topology.lastCpuLocation({ target: 'thread' });
console.log(
  `rank ${rank} on ${node}: core L#${core.logicalIndex}, PUs ${core.cpuset.toListString()}; ` +
    `all threads bound to ${binding.toListString()}, this one running on ${location.toListString()}`,
);

await session.close();
