// Shares a lookup table: one rank of each node makes it, all ranks of the node read the same pages of memory.
//
//     hwloc-share mpirun -n 4 node examples/table.mjs

import { join } from 'hwloc-share/rank';

const most = 20_000_000;

/** Which numbers are prime: 20 MB, and some tenths of a second of work, per node instead of per rank. */
function primesUpTo(limit) {
  const isPrime = new Uint8Array(limit + 1).fill(1, 2);
  for (let i = 2; i * i <= limit; i++) {
    if (isPrime[i] === 1) for (let multiple = i * i; multiple <= limit; multiple += i) isPrime[multiple] = 0;
  }
  return isPrime;
}

// The function is called in one rank of each node. (The others would get the table without it, too. But where it cannot be shared, for
// want of memory perhaps, each rank makes its own by it, and the job goes on.)
const session = await join({ share: () => ({ primes: primesUpTo(most) }) });
const { rank, size, node, shared } = session;

// Each rank counts a part of them.
const part = shared.primes.subarray(
  Math.ceil((rank * (most + 1)) / size),
  Math.ceil(((rank + 1) * (most + 1)) / size),
);
const count = part.reduce((sum, isPrime) => sum + isPrime, 0);
console.log(`rank ${rank} on ${node}: ${count} primes among ${part.length} numbers`);

await session.close();
