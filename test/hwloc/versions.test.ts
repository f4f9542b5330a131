// What differs from one version of hwloc to the next: the tables of it against the library at hand, and what becomes of versions that
// are not at hand. Those are stand-ins, which hand on to the real libhwloc what they do in the same way.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layout2 } from '../../src/hwloc/ffi/layout-2.js';
import { layout3 } from '../../src/hwloc/ffi/layout-3.js';
import { functionNames } from '../../src/hwloc/ffi/prototypes.js';
import { functionsSince, isIn, supportSince, typesSince } from '../../src/hwloc/ffi/since.js';
import { libhwloc, loadTopology } from '../../src/hwloc/index.js';
import { isInUse } from '../../src/hwloc/object/types.js';
import { installed } from '../support/programs.js';
import { before2_3, hwloc3, standIn, standInPrograms, wideDomains } from '../support/stand-in.js';
import { temporaryFolder } from '../support/temporary.js';
import { type CompiledSources, compileSources } from './support/child.js';

describe('the tables of what each version has', () => {
  const { apiVersion, has, native } = libhwloc();
  const layout = apiVersion >> 16 === 3 ? layout3() : layout2();

  test.each([...functionNames()])(
    '%s is in the library at hand if, and only if, the table says so',
    (name) => {
      const isThere = () => {
        try {
          native(name);
          return true;
        } catch {
          return false;
        }
      };
      expect(isThere()).toBe(has(name));
    },
  );

  test('name only functions that are used', () => {
    expect(functionNames()).toEqual(expect.arrayContaining(Object.keys(functionsSince)));
  });

  test('have the types that the library at hand has, under its names and numbers', () => {
    const nameOf = koffi.load(libhwloc().file).func('const char *hwloc_obj_type_string(int type)') as (
      type: number,
    ) => string;
    const known = layout.types.filter((type) => isIn(typesSince, type, apiVersion));
    expect(known.map((_, number) => nameOf(number))).toEqual(known);
    expect(nameOf(known.length)).toBe('Unknown');
  });

  // libhwloc-dev, which ranks in C need.
  const header = '/usr/include/hwloc.h';
  test.runIf(existsSync(header))('have as many support bits as the structs in hwloc.h', () => {
    const text = readFileSync(header, 'utf8');
    const headerVersion = Number(/#define HWLOC_API_VERSION (0x\w+)/.exec(text)?.[1]);
    for (const [struct, names] of Object.entries<readonly string[]>({ ...layout.support })) {
      const body = new RegExp(`struct hwloc_topology_${struct}_support \\{([^}]*)\\}`).exec(text)?.[1] ?? '';
      const fields = [...body.matchAll(/unsigned char (\w+);/g)].map(([, name]) => name);
      const known = names.filter((name) => isIn(supportSince, name, headerVersion));
      expect([struct, known.length]).toEqual([struct, fields.length]);
      expect(known.indexOf('weightedInterleave')).toBe(fields.indexOf('weighted_interleave_membind'));
    }
  });
});

const machine = {
  /** Two NUMA nodes, the distances between them, and a network card behind two bridges. */
  xml: async () => {
    const topology = await loadTopology({ source: { synthetic: 'pack:2 [numa] core:2 pu:2' } });
    const xml = topology.exportXml({ v2: true });
    topology.close();
    const device =
      '<object type="Bridge" gp_index="90" bridge_type="0-1" depth="0" bridge_pci="0002:[00-0a]">' +
      '<object type="Bridge" gp_index="91" bridge_type="1-1" depth="1" bridge_pci="0002:[01-01]" ' +
      'pci_busid="0002:00:03.0" pci_type="0604 [8086:2f08] [0000:0000] 02" pci_link_speed="3.938462">' +
      '<object type="PCIDev" gp_index="92" pci_busid="0002:01:00.1" pci_type="0200 [8086:1521] [15d9:0652] 01" ' +
      'pci_link_speed="2.000000"/></object></object>';
    const distances =
      '<distances2 type="NUMANode" nbobjs="2" kind="5" name="NUMALatency" indexing="os"><indexes length="4">0 1 </indexes>' +
      '<u64values length="12">10 21 21 10 </u64values></distances2>';
    return xml
      .replace(/<\/object>(\s*)(<support|<\/topology)/, `${device}</object>$1$2`)
      .replace('</topology>', `${distances}</topology>`);
  },
};

/** The beginning of a module that loads that machine with a libhwloc, from the words of its command line. */
const prologue = `
  import { readFileSync } from 'node:fs';
  import { anonymousFile } from './libc/index.js';
  import { libhwloc, loadTopology, adoptTopology } from './hwloc/index.js';
  const [library, file, filters = '{}'] = process.argv.slice(2);
  if (library !== '') libhwloc(library);
  const load = () => loadTopology({ source: { xml: readFileSync(file, 'utf8') }, io: 'all', filters: JSON.parse(filters) });
`;

installed(...standInPrograms).describe('with a libhwloc that is not at hand', () => {
  let sources: CompiledSources;
  let file: string;
  beforeAll(async () => {
    sources = compileSources();
    file = join(temporaryFolder(), 'machine.xml');
    writeFileSync(file, await machine.xml());
  });
  afterAll(() => {
    sources.dispose();
  });

  /** Loads, shows and adopts the machine as JSON, with all types asked for. */
  const shown = (library: string) =>
    sources.run(
      `${prologue}
      const topology = await load();
      const length = topology.sharedLength();
      const segment = { fd: anonymousFile('test'), offset: 0, address: 0x423100000000, length };
      topology.writeTo(segment);
      const adopted = adoptTopology(segment);
      const distances = adopted.distances().map(({ name, values }) => ({ name: name ?? null, values }));
      console.log(JSON.stringify({
        version: libhwloc().apiVersion, isSame: JSON.stringify(adopted) === JSON.stringify(topology), distances,
        counts: ['Die', 'MemCache', 'PU'].map((type) => adopted.count(type)), support: adopted.support,
        text: String(adopted.root.cpuset), json: JSON.parse(JSON.stringify(adopted)),
      }));`,
      [library, file, '{"Die":"all","MemCache":"all","L3iCache":"all"}'],
    ) as Promise<{
      version: number;
      isSame: boolean;
      distances: unknown[];
      counts: number[];
      support: { discovery: Record<string, boolean>; misc: Record<string, boolean> };
      json: { root: unknown; memoryAttributes: unknown[]; cpuKinds: unknown[] };
    }>;

  test.each(['2.0', '2.1', '2.2'] as const)(
    'hwloc %s: a topology is written, adopted and shown without what this version does not have',
    async (name) => {
      const { json: real, ...ofReal } = await shown('');
      const { json, ...old } = await shown(standIn(before2_3[name]));
      expect(old.version).toBe(before2_3[name].apiVersion);
      expect(old.isSame).toBe(true);
      expect(old.counts).toEqual([0, 0, 8]);
      const values = [
        [10, 21],
        [21, 10],
      ];
      expect(old.distances).toEqual([{ name: name === '2.0' ? null : 'NUMALatency', values }]);
      expect(json).toMatchObject({ memoryAttributes: [], cpuKinds: [] });
      expect(old.support.misc).toEqual({ importedSupport: false });
      expect(old.support.discovery).toMatchObject({ pu: true, cpukindEfficiency: false });
      if (name === '2.0') expect(old.support.discovery).toMatchObject({ disallowedPu: false });
      expect(json.root).toEqual(real.root);
      expect(ofReal.isSame).toBe(true);
    },
  );

  test('an error says from which version on hwloc has a function', async () => {
    const source = `${prologue}
      const topology = await load();
      const say = (body) => { try { body(); return 'nothing'; } catch (error) { return error.code + ' ' + error.message; } };
      console.log(JSON.stringify([
        say(() => topology.memoryAttributes), say(() => topology.distances({ name: 'NUMALatency' })),
        say(() => topology.typeOrBelowDepth('Die')), say(() => topology.typeDepth('Die') ?? topology.objects('Die')),
      ]));`;
    expect(await sources.run(source, [standIn(before2_3['2.0']), file])).toEqual([
      'HWLOC_SHARE_NOT_SUPPORTED hwloc_memattr_get_name: libhwloc 2.0 does not have it, and hwloc 2.3 or later is needed',
      'HWLOC_SHARE_NOT_SUPPORTED hwloc_distances_get_by_name: libhwloc 2.0 does not have it, and hwloc 2.1 or later is needed',
      'HWLOC_SHARE_NOT_SUPPORTED Die: libhwloc 2.0 does not have this type',
      'nothing',
    ]);
  });

  test('the texts of infinite sets are those of the libhwloc in use', async () => {
    const source = `
      import { libhwloc, CpuSet } from './hwloc/index.js';
      libhwloc(process.argv[2]);
      const text = '0xf...f,0xfffffffe';
      console.log(JSON.stringify([String(CpuSet.range(1)), CpuSet.parse(text).toListString()]));`;
    const words = ['0xf...f,0xffffffff,0xfffffffe', '1-31,64-'];
    expect(await sources.run(source, [standIn({ apiVersion: 0x20a00 })])).toEqual(words);
    expect(await sources.run(source, [standIn({ apiVersion: 0x20b00 })])).toEqual([
      '0xf...f,0xfffffffe',
      '1-',
    ]);
  });

  describe('built with --enable-32bits-pci-domain', () => {
    /** The attributes of all bridges and PCI devices, and the bus ids. */
    const devices = async (library: string, filters = {}) => {
      const source = `${prologue}
        const topology = await load();
        const all = [...topology.objects('Bridge'), ...topology.objects('PCIDev')];
        console.log(JSON.stringify(all.map(({ attributes }) => attributes)));`;
      return (await sources.run(source, [library, file, JSON.stringify(filters)])) as unknown[];
    };
    /** The same attributes with such domains as the stand-in gives. */
    const moved = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value)
          .replace(/"domain":(\d+)/g, (_, domain: string) => `"domain":${Number(domain) + 0x10000}`)
          .replace(/"busId":"/g, '"busId":"1'),
      );

    test('bridges and PCI devices have the same attributes as in the usual build, and longer domains', async () => {
      const usual = await devices('');
      expect(usual).toHaveLength(3);
      expect(usual[2]).toMatchObject({ busId: '0002:01:00.1', classId: 0x0200, revision: 1, linkSpeed: 2 });
      expect(await devices(wideDomains())).toEqual(moved(usual));
    });

    test('a PCI device whose bridges were filtered out has them, too', async () => {
      const usual = await devices('', { Bridge: 'none' });
      expect(usual).toHaveLength(1);
      expect(await devices(wideDomains(), { Bridge: 'none' })).toEqual(moved(usual));
    });

    test('attributes are refused, and not guessed, where no bridge can tell how they are laid out', async () => {
      const source = `${prologue}
        const [device] = (await load()).objects('PCIDev');
        try { console.log(JSON.stringify(device.attributes)); } catch (error) { console.log(JSON.stringify(error.message)); }`;
      // No bridge was kept, and this libhwloc reads XML once only.
      const readsOnce = `
static int times;
int hwloc_topology_set_xmlbuffer(hwloc_topology_t topology, const char *text, int length) {
  if (times++ > 0)
    return -1;
  return ((int (*)(hwloc_topology_t, const char *, int))real("hwloc_topology_set_xmlbuffer"))(topology, text, length);
}
`;
      expect(await sources.run(source, [wideDomains(readsOnce), file, '{"Bridge":"none"}'])).toMatch(
        /^attributes of PCI devices: libhwloc may have been built with --enable-32bits-pci-domain/,
      );
    });
  });

  test('hwloc 3 writes XML of format 2 where that is asked for, and its own format else', async () => {
    const source = `${prologue}
      const topology = await loadTopology({ source: { synthetic: 'pu:2' } });
      const formatOf = (xml) => /<topology version="([^"]*)"/.exec(xml)[1];
      console.log(JSON.stringify([formatOf(topology.exportXml()), formatOf(topology.exportXml({ v2: true }))]));`;
    expect(await sources.run(source, [hwloc3()])).toEqual(['3.0', '2.0']);
  });
});

describe('XML that libhwloc cannot read', () => {
  const { apiVersion } = libhwloc();

  test('in a newer format: the error says which, and those that this libhwloc reads', async () => {
    // 2.12 and 2.15 were seen to read format 3, and 2.9 was not.
    const newest = apiVersion < 0x20a00 ? 2 : 3;
    const format = `${newest + 1}.0`;
    const xml = (await machine.xml()).replace(/<topology version="[^"]*"/, `<topology version="${format}"`);
    const file = join(temporaryFolder(), 'newer.xml');
    writeFileSync(file, xml);
    const words = new RegExp(
      `^hwloc_topology_(load|set_xml\\w*): EINVAL: this XML is in format ${format}, and libhwloc \\d\\.\\d+ reads formats ` +
        `\\d to ${newest} only: write it in format 2 .* or name another libhwloc in HWLOC_SHARE_LIBHWLOC$`,
    );
    await expect(loadTopology({ source: { xml } })).rejects.toThrow(words);
    await expect(loadTopology({ source: { xmlFile: file } })).rejects.toThrow(words);
  });

  test('of no version of hwloc, and only in part: the error says which of the two', async () => {
    const xml = await machine.xml();
    await expect(loadTopology({ source: { xml: xml.slice(0, 500) } })).rejects.toThrow(
      /EINVAL: this XML is damaged, not complete, or was changed by hand; HWLOC_XML_VERBOSE=1 says more$/,
    );
    await expect(loadTopology({ source: { xml: '<svg></svg>' } })).rejects.toThrow(
      /EINVAL: this is not XML of hwloc: it has no <topology>$/,
    );
  });

  test('every type is in use, except in hwloc 2.0', () => {
    expect(isInUse('Die')).toBe(apiVersion >= 0x20100);
  });
});
