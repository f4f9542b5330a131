// XML and synthetic descriptions: what one topology writes, another reads.

import { describe, expect, test } from 'vitest';
import { NotSupportedError, libhwloc, loadTopology } from '../../../src/hwloc/index.js';

const synthetic = 'Package:2 [NUMANode(memory=1073741824)] L3Cache:1(size=1048576) Core:2 PU:2';

describe('XML', () => {
  test('can be loaded again as the same topology', async () => {
    const topology = await loadTopology({ source: { synthetic } });
    const xml = topology.exportXml();
    expect(xml).toContain('<topology version="2.0">');
    const again = await loadTopology({ source: { xml } });
    expect(JSON.stringify(again.root)).toBe(JSON.stringify(topology.root));
    topology.close();
    again.close();
  });

  test('of version 1 is another one, which hwloc 1 can read', async () => {
    const topology = await loadTopology({ source: { synthetic } });
    const xml = topology.exportXml({ v1: true });
    expect(xml).not.toContain('version="2.0"');
    expect(xml).toContain('local_memory="1073741824"');
    const again = await loadTopology({ source: { xml } });
    expect(again.count('PU')).toBe(8);
    topology.close();
    again.close();
  });

  test('keeps characters that XML writes in another way', async () => {
    const topology = await loadTopology({ source: { synthetic } });
    const xml = topology.exportXml().replace(/value="Synthetic"/, 'value="&lt;a &amp; &quot;b&quot;&gt;"');
    const again = await loadTopology({ source: { xml } });
    expect(again.root.infos.map(({ value }) => value)).toContain('<a & "b">');
    topology.close();
    again.close();
  });
});

describe('synthetic descriptions', () => {
  test('are those that hwloc was given', async () => {
    const topology = await loadTopology({ source: { synthetic } });
    expect(topology.exportSynthetic()).toBe(synthetic);
    expect(topology.exportSynthetic({ noAttributes: true })).toBe(
      'Package:2 [NUMANode] L3Cache:1 Core:2 PU:2',
    );
    expect(topology.exportSynthetic({ noAttributes: true, ignoreMemory: true })).toBe(
      'Package:2 L3Cache:1 Core:2 PU:2',
    );
    expect(topology.exportSynthetic({ v1: true, noAttributes: true })).toContain('NUMANode:1');
    expect(topology.exportSynthetic({ noExtendedTypes: true })).toMatch(/ Cache:1/);
    topology.close();
  });

  test('EINVAL for a topology that is not symmetric', async () => {
    const xml = (await loadTopology({ source: { synthetic: 'pack:2 core:2 pu:2' } })).exportXml();
    // Without its last PU, the second package is smaller than the first.
    const smaller = xml.replace(/<object type="PU" os_index="7"[^>]*\/>/, '');
    const topology = await loadTopology({ source: { xml: smaller } });
    expect(() => topology.exportSynthetic()).toThrow(/EINVAL.*not symmetric/);
    topology.close();
  });

  test('memory-side caches are written where libhwloc can, and refused where it would abort the process', async () => {
    const xml = (await loadTopology({ source: { synthetic } })).exportXml();
    // A cache around each NUMA node, in the place of it.
    let index = 900;
    const cached = xml.replace(
      /<object type="NUMANode" os_index="\d+"( cpuset=.* complete_nodeset="\S+")[^]*?<\/object>/g,
      (node, sets: string) =>
        `<object type="MemCache"${sets} gp_index="${index++}" cache_size="1048576" depth="1" ` +
        `cache_linesize="64" cache_associativity="1" cache_type="0">${node}</object>`,
    );
    const topology = await loadTopology({ source: { xml: cached }, filters: { MemCache: 'all' } });
    expect(topology.count('MemCache')).toBe(2);
    if (libhwloc().apiVersion < 0x20c00) {
      expect(() => topology.exportSynthetic()).toThrow(NotSupportedError);
    } else {
      expect(topology.exportSynthetic()).toContain(
        '[NUMANode(memory=1073741824 memorysidecachesize=1048576)]',
      );
    }
    expect(topology.exportSynthetic({ ignoreMemory: true, noAttributes: true })).toBe(
      'Package:2 L3Cache:1 Core:2 PU:2',
    );
    topology.close();
  });
});
