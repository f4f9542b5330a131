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

// The function is called in one rank of each node. (Pass it in all ranks: a rank that cannot share makes its own table, and the job
// goes on.)
const session = await join({ share: () => ({ primes: primesUpTo(most) }) });
const { rank, size, node, shared } = session;

// Each rank counts a part of them; all of them where the launcher does not tell how many ranks there are.
const [part, parts] = size === undefined ? [0, 1] : [rank, size];
const numbers = shared.primes.subarray(
  Math.ceil((part * (most + 1)) / parts),
  Math.ceil(((part + 1) * (most + 1)) / parts),
);
const count = numbers.reduce((sum, isPrime) => sum + isPrime, 0);
const why = size === undefined ? ' (all: the launcher does not tell how many ranks there are)' : '';
console.log(`rank ${rank} on ${node}: ${count} primes among ${numbers.length} numbers${why}`);

await session.close();
