// The XML file: whatever a program asks hwloc for, it sees by the file what it would have discovered.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type LoadOptions, loadTopology } from '../../src/hwloc/index.js';
import { writeXmlFile } from '../../src/xmlfile/index.js';
import { temporaryFolder } from '../support/temporary.js';

/** Nothing takes long here, and so nothing is told. */
function tell(text: string): never {
  throw new Error(text);
}

/** What programs ask for: libraries, MPI, lstopo, lstopo with all that it can show. */
const requests: [string, LoadOptions][] = [
  ['by default', { io: 'none' }],
  ['with important I/O objects', { io: 'important' }],
  [
    'with all that is left out by default',
    { io: 'all', filters: { L1iCache: 'all', Misc: 'all', MemCache: 'all', Die: 'all' } },
  ],
  ['without the smallest caches', { io: 'none', filters: { L1Cache: 'none' } }],
];

/** The tree, without what tells of the process that has made it. */
async function treeBy(options: LoadOptions): Promise<string> {
  const topology = await loadTopology(options);
  const lines = topology.exportXml().split('\n');
  topology.close();
  return lines
    .filter((line) => !/<(info|support)/.test(line))
    .map((line) => line.replace(/ gp_index="\d+"/, ''))
    .join('\n');
}

async function expectTheSameByFile() {
  const { file } = await writeXmlFile(temporaryFolder(), 30, tell);
  for (const [name, request] of requests) {
    const xml = { ...request, source: { xml: readFileSync(file, 'utf8') } };
    expect([name, await treeBy(xml)]).toEqual([name, await treeBy(request)]);
  }
}

test('of this machine', expectTheSameByFile);

test('is nobody else’s to read, and is written once', async () => {
  const folder = temporaryFolder();
  const { file, bytes } = await writeXmlFile(folder, 30, tell);
  expect(statSync(file)).toMatchObject({ size: bytes });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['topology.xml']);
  expect(readFileSync(file, 'utf8')).toContain('<topology version="2.0">');
});

const machines = resolve(import.meta.dirname, '../../../shared/machines/sysfs');
const snapshots = existsSync(machines) ? readdirSync(machines) : [];

describe.skipIf(snapshots.length === 0)('of real machines', () => {
  test.each(snapshots)('%s', async (archive) => {
    const folder = temporaryFolder();
    execFileSync('tar', ['-xjf', join(machines, archive), '-C', folder]);
    // libhwloc reads it from the environment of the process.
    process.env.HWLOC_FSROOT = join(folder, archive.replace('.tar.bz2', ''));
    try {
      await expectTheSameByFile();
    } finally {
      delete process.env.HWLOC_FSROOT;
    }
  });
});
