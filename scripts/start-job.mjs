// The job of `npm start`: each rank joins and tells how it got its topology, as a line of JSON.

import { join } from 'hwloc-share/rank';

const started = performance.now();
const session = await join();
const milliseconds = performance.now() - started;
const { rank, topology, outcome, node } = session;
const { how, address, length, didDiscover } = outcome;
const counts = [
  ['Package', 'package'],
  ['NUMANode', 'NUMA node'],
  ['Core', 'core'],
  ['PU', 'PU'],
].map(([type, word]) => {
  const count = topology.count(type);
  return `${count} ${word}${count === 1 ? '' : 's'}`;
});
const machine = `${node}: ${counts.join(', ')}`;
process.stdout.write(
  `${JSON.stringify({ rank, how, address, length, didDiscover, milliseconds, machine })}\n`,
);
await session.close();
