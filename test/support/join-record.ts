// Records of joins, as ranks leave them for the wrapper.
import type { JoinRecord } from '../../src/spool/index.js';

/** The record of a rank that adopted; what differs is given. */
export function joinRecord(given: Partial<JoinRecord> = {}): JoinRecord {
  const rank = given.rank ?? 0;
  return {
    step: 'slurm-7.0@h1',
    launcher: 'slurm',
    rank,
    size: 4,
    localRank: rank,
    localSize: 4,
    node: 'h1',
    pid: 100 + rank,
    what: 'joined',
    born: 1_000_000,
    came: 1_050_000,
    now: 1_100_000,
    wall: 1_750_000_000_000_000,
    marks: [
      ['channel', 1_060_000],
      ['adopt', 1_090_000],
    ],
    points: [[rank === 0 ? 'leader:claimed' : 'member:announced', 1_060_010]],
    outcome: {
      how: 'adopted',
      reason: null,
      address: 0x41a2_0000_0000,
      length: 8192,
      generation: 1,
      didDiscover: rank === 0,
      kept: null,
      phases: { channel: 10, adopt: 30 },
    },
    error: null,
    libhwloc: { file: 'libhwloc.so.15', apiVersion: '2.8', abi: 0x20400 },
    members: null,
    ...given,
  };
}
