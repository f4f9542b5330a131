// Random numbers that a seed can bring back.

export interface Random {
  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number;
  oneOf<T>(choices: readonly T[]): T;
}

/** @see mulberry32, by Tommy Ettinger (public domain): 32 bits of state, good enough to choose faults. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  const below = (limit: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
  return {
    below,
    oneOf: (choices) => {
      const choice = choices[below(choices.length)];
      if (choice === undefined) throw new Error('there is nothing to choose from');
      return choice;
    },
  };
}
