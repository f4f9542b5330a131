// The names in a folder of ours, and those of members' pairs among them.

import { readdirSync } from 'node:fs';

/** The names in a folder; none where it is not there, or may not be looked into. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A member's pair of FIFOs whose names still stand in a channel: no leader has let the member in yet. */
export interface Pair {
  /** What the names have in common; `.up` and `.down` follow. */
  readonly name: string;
  readonly localRank: number;
  /** The maker's. In another PID namespace it may be somebody else's. */
  readonly pid: number;
}

/** The pairs in a channel. */
export function pairsIn(channel: string): Pair[] {
  return namesIn(channel).flatMap((file) => {
    const [, name, localRank, pid] = /^((\d{1,9})-(\d+))\.up$/.exec(file) ?? [];
    return name === undefined ? [] : [{ name, localRank: Number(localRank), pid: Number(pid) }];
  });
}
