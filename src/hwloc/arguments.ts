// Checks the arguments of topologies, objects and sets.

import { type Check, check, wholeWithin } from '../check/index.js';
import { CpuSet, NodeSet } from './bitmap/bitmap.js';

/** A depth, also a negative one. */
export const depthCheck = wholeWithin(-(2 ** 31), 2 ** 31 - 1);
/** An index of any kind. */
export const indexCheck = wholeWithin(0);
/** An index, or Infinity for no limit. */
export const limitCheck: Check = (value) => {
  const allowed = indexCheck(value);
  return allowed === undefined || value === Infinity ? undefined : `${allowed}, or Infinity`;
};

const cpuSet: Check = (value) => (value instanceof CpuSet ? undefined : 'a CpuSet');
const nodeSet: Check = (value) => (value instanceof NodeSet ? undefined : 'a NodeSet');
const anySet: Check = (value) =>
  value instanceof NodeSet || value instanceof CpuSet ? undefined : 'a NodeSet or a CpuSet';

/** @throws InvalidArgumentError */
export function checkCpus(cpus: unknown): void {
  check('the set', cpus, cpuSet);
}

/** @throws InvalidArgumentError */
export function checkNodes(nodes: unknown): void {
  check('the set', nodes, nodeSet);
}

/** @throws InvalidArgumentError */
export function checkSet(set: unknown): void {
  check('the set', set, anySet);
}
