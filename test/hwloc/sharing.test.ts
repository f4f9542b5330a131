// Reading leaves the shared pages shared: many processes read every field of every object many times over.

import { closeSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageSize } from '../../src/libc/index.js';
import { loadTopology } from '../../src/hwloc/index.js';
import { type CompiledSources, compileSources } from './support/child.js';

const ranks = 8;
const walks = 20;
let sources: CompiledSources;
beforeAll(() => {
  sources = compileSources();
});
afterAll(() => {
  sources.dispose();
});

/** What a rank adds to the memory of its node, by /proc/self/smaps, in bytes. */
interface Mapping {
  readonly rss: number;
  readonly pss: number;
  readonly own: number;
}

// All ranks stay until the others are done: PSS is counted over those that have the mapping.
const rank = `
  import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
  import { adoptTopology } from './hwloc/index.js';
  const [path, address, length, walks, number, ranks] = process.argv.slice(2);
  const topology = adoptTopology({ fd: openSync(path), offset: 0, address: Number(address), length: Number(length) });
  const names = new Set();
  for (let type = Object.getPrototypeOf(topology.root); type !== Object.prototype; type = Object.getPrototypeOf(type)) {
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(type))) if (get) names.add(name);
  }
  for (let walk = 0; walk < Number(walks); walk++) {
    for (const object of topology) for (const name of names) object[name];
    for (const attribute of topology.memoryAttributes) attribute.targets();
    topology.distances();
  }
  const meet = async (point) => {
    writeFileSync(path + '.' + point + '.' + number, '');
    const there = (other) => existsSync(path + '.' + point + '.' + other);
    while (!Array.from({ length: Number(ranks) }, (_, other) => other).every(there)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await meet('read');
  const smaps = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const mapping = smaps.find((text) => text.startsWith(Number(address).toString(16) + '-'));
  const bytes = (name) => Number(new RegExp('^' + name + ':\\\\s*(\\\\d+) kB', 'm').exec(mapping)[1]) * 1024;
  await meet('measured');
  console.log(JSON.stringify({
    rss: bytes('Rss'), pss: bytes('Pss'), own: bytes('Private_Dirty') + bytes('Anonymous'),
  }));
`;

test(`${ranks} ranks that read everything ${walks} times share every page`, async () => {
  const topology = await loadTopology({ source: { synthetic: 'pack:2 [numa] l3:8 core:8 pu:2' } });
  const path = join(tmpdir(), `hwloc-share-test-sharing-${process.pid}`);
  const fd = openSync(path, 'wx+', 0o600);
  const [address, length] = [0x4423_0000_0000, topology.sharedLength()];
  topology.writeTo({ fd, offset: 0, address, length });
  closeSync(fd);
  topology.close();
  const words = [path, String(address), String(length), String(walks)];
  const mappings = (await Promise.all(
    Array.from({ length: ranks }, (_, number) =>
      sources.run(rank, [...words, String(number), String(ranks)]),
    ),
  )) as Mapping[];
  for (const point of ['read', 'measured']) {
    for (let number = 0; number < ranks; number++) rmSync(`${path}.${point}.${number}`);
  }
  rmSync(path);
  for (const { rss, pss, own } of mappings) {
    expect(rss).toBeGreaterThan(length / 2);
    expect(own).toBe(0);
    expect(pss).toBeLessThanOrEqual(rss / ranks + pageSize());
  }
});
