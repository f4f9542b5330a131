// The job of `npm start`: each rank joins and tells how it got its topology, as a line of JSON.

import { join } from 'hwloc-share/rank';

const started = performance.now();
const session = await join();
const milliseconds = performance.now() - started;
const { rank, topology, outcome, node } = session;
const { how, address, length, didDiscover } = outcome;
const machine =
  `${node}: ${topology.count('Package')} package(s), ${topology.count('NUMANode')} NUMA node(s), ` +
  `${topology.count('Core')} core(s), ${topology.count('PU')} PU(s)`;
process.stdout.write(
  `${JSON.stringify({ rank, how, address, length, didDiscover, milliseconds, machine })}\n`,
);
await session.close();
