// What callers get wrong: the error names the value, the argument or option as it was given, and what is allowed.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CpuSet, InvalidArgumentError, NodeSet, type Topology, loadTopology } from '../../src/hwloc/index.js';
import { HwlocError } from '../../src/libc/index.js';

let topology: Topology;
beforeAll(async () => {
  topology = await loadTopology({ source: { synthetic: 'pack:2 [numa(memory=1GB)] core:2 pu:2' } });
});
afterAll(() => {
  topology.close();
});

/** Calls without the types that would refuse it. */
const untyped = () => topology as unknown as Record<string, (...args: unknown[]) => unknown>;
const load = (options: unknown) => loadTopology(options as Parameters<typeof loadTopology>[0]);

describe('the type of an object', () => {
  test.each([
    ['core', 'Core'],
    ['Socket', 'Package'],
    ['numa', 'NUMANode'],
    ['L2', 'L2Cache'],
    ['Packages', 'Package'],
  ])('%j is refused, and %s is suggested', (given, meant) => {
    const message = new RegExp(
      `^type '${given}' is not allowed; use 'Machine', 'Package', .* or 'Die'; did you mean '${meant}'\\?$`,
    );
    for (const name of ['objects', 'count', 'typeDepth', 'typeOrAboveDepth', 'typeOrBelowDepth']) {
      expect(() => untyped()[name]?.call(topology, given), name).toThrow(message);
      expect(() => untyped()[name]?.call(topology, given), name).toThrow(InvalidArgumentError);
    }
    expect(() => untyped().object?.call(topology, given, 0)).toThrow(message);
    expect(() => untyped().objectsInside?.call(topology, topology.cpuset, given)).toThrow(message);
    expect(() => untyped().sameLocality?.call(topology, topology.root, given)).toThrow(message);
    expect(() => topology.root.ancestor(given as 'Core')).toThrow(message);
    expect(() => topology.distances({ type: given as 'Core' })).toThrow(
      /^topology\.distances\(\{ type: '.*' \}\) is not allowed/,
    );
  });

  test('a name that nobody knows is refused, with no suggestion', () => {
    expect(() => untyped().count?.call(topology, 'spaceship')).toThrow(
      /^type 'spaceship' is not allowed; use .* or 'Die'$/,
    );
  });
});

describe('loadTopology()', () => {
  test.each([
    [
      { io: 'foo' },
      "loadTopology({ io: 'foo' }) is not allowed; use 'all', 'none', 'structure' or 'important'",
    ],
    [
      { IO: 'all' },
      'loadTopology({ IO }): there is no such option, only source, io, filters, includeDisallowed, isThisSystem; did you mean io?',
    ],
    [{ filters: { core: 'all' } }, /^the type of a filter 'core' is not allowed; .*did you mean 'Core'\?$/],
    [{ filters: { Core: 'some' } }, /^the filter of Core 'some' is not allowed; use 'all', /],
    [{ isThisSystem: 1 }, 'loadTopology({ isThisSystem: 1 }) is not allowed; use true or false'],
    [
      { source: 'pu:1' },
      "loadTopology({ source: 'pu:1' }) is not allowed; use an object with one text: xml, xmlFile, synthetic, fsroot",
    ],
    [{ source: { xmlfile: 'a' } }, /^loadTopology\(\{ source: \{ xmlfile: 'a' \} \}\) is not allowed/],
    [{ source: { xml: 'a', synthetic: 'b' } }, /is not allowed; use an object with one text/],
    [{ source: { synthetic: 'pu:1\0' } }, /is not allowed; use an object with one text/],
  ])('refuses %j', async (options, message) => {
    await expect(load(options)).rejects.toThrow(message);
    await expect(load(options)).rejects.toThrow(InvalidArgumentError);
  });

  test('says which filter hwloc does not have for a type', async () => {
    await expect(load({ filters: { Group: 'all' } })).rejects.toThrow(
      "hwloc_topology_set_type_filter: EINVAL: Group objects cannot be filtered by 'all'",
    );
  });

  test('names the file or folder that cannot be read, and why', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hwloc-share-test-'));
    const file = join(folder, 'no.xml');
    writeFileSync(join(folder, 'plain'), 'x');
    const cases = [
      [{ xmlFile: file }, 'ENOENT', 'no such file or directory'],
      [{ xmlFile: folder }, 'EISDIR', 'it is a directory'],
      [{ fsroot: file }, 'ENOENT', 'no such file or directory'],
      [{ fsroot: join(folder, 'plain') }, 'ENOTDIR', 'it is not a directory'],
    ] as const;
    for (const [source, code, why] of cases) {
      const error: unknown = await load({ source }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(HwlocError);
      const [[name, path] = []] = Object.entries(source);
      expect(error).toMatchObject({ code });
      expect(String(error)).toContain(
        `loadTopology({ source: { ${name ?? ''}: '${path ?? ''}' } }): ${code}: ${why}`,
      );
    }
    rmSync(folder, { recursive: true });
  });
});

describe('arguments of other kinds', () => {
  test.each<[string, () => unknown, string | RegExp]>([
    [
      'a set of nodes where CPUs are meant',
      () => untyped().objectCovering?.call(topology, NodeSet.of(0)),
      'the set NodeSet(0) is not allowed; use a CpuSet',
    ],
    [
      'no set',
      () => untyped().largestInside?.call(topology),
      'the set undefined is not allowed; use a CpuSet',
    ],
    [
      'a set of nodes to bind to',
      () => untyped().setCpuBinding?.call(topology, NodeSet.of(0)),
      'the set NodeSet(0) is not allowed; use a CpuSet',
    ],
    [
      'CPUs where nodes are meant',
      () => untyped().cpusOf?.call(topology, CpuSet.of(0)),
      'the set CpuSet(0) is not allowed; use a NodeSet',
    ],
    [
      'something that is no object',
      () => untyped().closest?.call(topology, {}),
      'object {} is not allowed; use an object of a topology',
    ],
    [
      'no object',
      () => topology.memoryAttribute('Capacity')?.value(undefined as never),
      'object undefined is not allowed; use an object of a topology',
    ],
    [
      'a depth that is no whole number',
      () => topology.objectsAtDepth(1.5),
      'depth 1.5 is not allowed; use a whole number from -2147483648 to 2147483647',
    ],
    [
      'an index that is missing',
      () => topology.object('Core', undefined as never),
      'logicalIndex undefined is not allowed; use a whole number from 0',
    ],
    [
      'a limit that is no number',
      () => topology.closest(topology.root, NaN),
      'max NaN is not allowed; use a whole number from 0, or Infinity',
    ],
    [
      'the number of a PU of a core',
      () => topology.singlifyPerCore(topology.cpuset, -1),
      'which -1 is not allowed; use a whole number from 0 to 2147483647',
    ],
    [
      'a policy',
      () => untyped().setMemoryBinding?.call(topology, NodeSet.of(0), 'bindd'),
      /^policy 'bindd' is not allowed; use 'default', .*; did you mean 'bind'\?$/,
    ],
    [
      'a target of binding',
      () => topology.getCpuBinding({ target: 'thred' as 'thread' }),
      "topology.getCpuBinding({ target: 'thred' }) is not allowed; use 'process' or 'thread'; did you mean 'thread'?",
    ],
    [
      'a pid',
      () => topology.getCpuBinding({ pid: NaN }),
      'topology.getCpuBinding({ pid: NaN }) is not allowed; use a whole number from 1 to 2147483647',
    ],
    [
      'an option of an export',
      () => topology.exportXml({ v3: true } as never),
      'topology.exportXml({ v3 }): there is no such option, only v1, v2; did you mean v1?',
    ],
    [
      'where distances come from',
      () => topology.distances({ from: 'user ' as 'user' }),
      "topology.distances({ from: 'user ' }) is not allowed; use 'os' or 'user'; did you mean 'user'?",
    ],
    [
      'the name of an attribute',
      () => untyped().memoryAttribute?.call(topology, 0),
      'name 0 is not allowed; use a string without NUL characters',
    ],
    [
      'a part of a PCI address',
      () => topology.pciDevice({ bus: 0, device: 32, function: 0 }),
      'device 32 is not allowed; use a whole number from 0 to 31',
    ],
    [
      'a part of a PCI address that is missing',
      () => topology.pciDevice({ bus: 0 } as never),
      'device undefined is not allowed; use a whole number from 0 to 31',
    ],
    [
      'a step down',
      () => untyped().objectBelow?.call(topology, 'Core', 0),
      "the step 'Core' is not allowed; use a type and an index, as in ['Core', 0]",
    ],
    [
      'the text of a set',
      () => CpuSet.parseList(3 as never),
      'text 3 is not allowed; use a string without NUL characters',
    ],
    [
      'the members of a set',
      () => CpuSet.from(3 as never),
      'source 3 is not allowed; use an array or another iterable of numbers, or a bigint',
    ],
    [
      'another kind of set',
      () => CpuSet.of(0).union({ kind: 'cpuset' } as never),
      "the other set { kind: 'cpuset' } is not allowed; use a CpuSet: CPUs and nodes cannot be mixed",
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(InvalidArgumentError);
    expect(call).toThrow(message);
  });
});
