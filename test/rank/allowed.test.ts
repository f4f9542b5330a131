// What ranks are allowed, compared.
import { expect, test } from 'vitest';
import { CpuSet, NodeSet } from '../../src/hwloc/index.js';
import { ownAllowed, sameAllowed, setsOf } from '../../src/rank/allowed.js';

test('ranks that differ in their CPUs, or in their NUMA nodes alone, are not allowed the same', () => {
  const one = { cpus: '0-3', nodes: '0' };
  expect(sameAllowed(one, { ...one })).toBe(true);
  expect(sameAllowed(one, { ...one, cpus: '4-7' })).toBe(false);
  expect(sameAllowed(one, { ...one, nodes: '1' })).toBe(false);
  expect(sameAllowed(one, { cpus: '0-3', nodes: '0-1' })).toBe(false);
});

test('a rank that does not know what it is allowed is taken to be like the other', () => {
  expect(sameAllowed({ cpus: '0-3', nodes: '0' }, { cpus: undefined, nodes: undefined })).toBe(true);
});

test('this system tells what this process is allowed, as lists', () => {
  const { cpus, nodes } = ownAllowed();
  expect(nodes).toMatch(/^\d+(-\d+)?(,\d+(-\d+)?)*$/);
  if (cpus !== undefined) expect(cpus).toMatch(/^\d+(-\d+)?(,\d+(-\d+)?)*$/);
});

test('users get sets of what the system tells as lists', () => {
  expect(setsOf({ cpus: '0-3,8', nodes: '0' })).toEqual({
    cpus: CpuSet.of(0, 1, 2, 3, 8),
    nodes: NodeSet.of(0),
  });
  expect(setsOf({ cpus: '', nodes: undefined })).toEqual({ cpus: CpuSet.empty(), nodes: undefined });
});
