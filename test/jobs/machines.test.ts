// Every machine goes through a shared job: XML identical in all ranks, and equal to what lstopo says of the same source.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadTopology } from '../../src/hwloc/index.js';
import { expectAllAdopted, fixture, reporter, runSharedJob } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const ranks = 3;

/** Real machines, where there are any: XML files and snapshots of sysfs. Users who run these tests need not have them. */
const machines = resolve(import.meta.dirname, '../../../shared/machines');

async function shareAndCheck(env: Record<string, string>): Promise<void> {
  const { reports, stderr } = await runSharedJob(wrapper('local', '-n', String(ranks), ...reporter), { env });
  expectAllAdopted(reports, ranks);
  expect(stderr).toBe('');
}

describe('machines that are described', () => {
  test.each([
    ['two packages, four NUMA nodes', 'pack:2 [numa] l3:2 [numa] core:4 pu:2'],
    ['a single PU', 'pu:1'],
    ['4,096 PUs', 'pack:8 [numa] l3:8 l2:8 core:4 pu:2'],
  ])('synthetic: %s', async (_, description) => {
    await shareAndCheck({ HWLOC_SYNTHETIC: description });
  });

  test('an XML file', async () => {
    const source = await loadTopology({ source: { synthetic: 'pack:3 [numa] core:5 pu:1' } });
    const file = join(temporaryFolder(), 'machine.xml');
    writeFileSync(file, source.exportXml());
    source.close();
    await shareAndCheck({ HWLOC_XMLFILE: file });
  });
});

describe.skipIf(!existsSync(machines))('real machines', () => {
  const unpacked = temporaryFolder();
  const snapshots = existsSync(machines) ? readdirSync(join(machines, 'sysfs')) : [];
  const files = existsSync(machines) ? readdirSync(join(machines, 'xml')) : [];
  beforeAll(() => {
    for (const archive of snapshots) {
      execFileSync('tar', ['-xjf', join(machines, 'sysfs', archive), '-C', unpacked]);
    }
  });

  test.each(files)('XML: %s', async (file) => {
    await shareAndCheck({ HWLOC_XMLFILE: join(machines, 'xml', file) });
  });

  test.each(snapshots)('sysfs: %s', async (archive) => {
    const root = join(unpacked, archive.replace('.tar.bz2', ''));
    await shareAndCheck({ HWLOC_FSROOT: root });
  });
});

// Unsealed, the query writes to a read-only page and kills the rank: hwloc 2.3 to 2.14.
describe('memory attributes can be asked for in every rank', () => {
  const memattrs = join(machines, 'xml', '8intel64-4n2t-memattrs.xml');
  const program = [process.execPath, fixture('memattrs.mjs')];

  test('of a synthetic machine with several NUMA nodes', async () => {
    const env = { HWLOC_SYNTHETIC: 'pack:2 [numa] l3:2 [numa] core:4 pu:2' };
    const { stdout } = await runSharedJob(wrapper('local', '-n', String(ranks), ...program), { env });
    expect(linesOf(stdout)).toHaveLength(ranks);
  });

  test.skipIf(!existsSync(memattrs))('of a machine that has measured ones', async () => {
    const env = { HWLOC_XMLFILE: memattrs };
    const { stdout } = await runSharedJob(wrapper('local', '-n', String(ranks), ...program), { env });
    const lines = linesOf(stdout);
    expect(lines).toHaveLength(ranks);
    expect(new Set(lines).size).toBe(1);
    expect(lines[0]).toMatch(/Bandwidth=\d/);
  });
});

function linesOf(text: string): string[] {
  return text.trimEnd().split('\n');
}
