// hwloc's plugins: what they discover (GPUs, above all) must be in our topology, too.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { compileSources } from './support/child.js';

const sources = compileSources();
afterAll(() => {
  sources.dispose();
});

/** Where Debian has them: libhwloc-plugins, which lstopo's own package brings along. */
const folder = readdirSync('/usr/lib')
  .map((name) => join('/usr/lib', name, 'hwloc'))
  .find((path) => existsSync(join(path, 'hwloc_pci.so')));

test.runIf(folder !== undefined)('a load loads the plugins, and an adoption does not', async () => {
  const found = await sources.run(`
    import { readFileSync } from 'node:fs';
    import { abi, loadTopology } from './hwloc/index.js';
    const plugins = () =>
      [...new Set(readFileSync('/proc/self/maps', 'utf8').match(/\\/hwloc_\\w+\\.so/g) ?? [])].sort();
    abi(); // what a member asks before it adopts
    const before = plugins();
    const topology = await loadTopology();
    console.log(JSON.stringify({ before, during: plugins() }));
    topology.close();
  `);
  expect(found).toMatchObject({ before: [], during: expect.arrayContaining(['/hwloc_pci.so']) as unknown });
});
