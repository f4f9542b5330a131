// The XML file: whatever a program asks hwloc for, it sees by the file what it would have discovered.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { type LoadOptions, loadTopology } from '../../src/hwloc/index.js';
import { writeXmlFile } from '../../src/xmlfile/index.js';
import { temporaryFolder } from '../support/temporary.js';

/** Nothing takes long here, and so nothing is told. */
function tell(text: string): never {
  throw new Error(text);
}

/** Nobody holds a place for what is kept. */
const request = { env: process.env, roots: [], seconds: 30 };

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

/** @param cleaned  What of a tree is compared. */
async function expectTheSameByFile(cleaned = (tree: string) => tree) {
  const { file } = await writeXmlFile(temporaryFolder(), request, tell);
  for (const [name, request] of requests) {
    const xml = { ...request, source: { xml: readFileSync(file, 'utf8') } };
    expect([name, cleaned(await treeBy(xml))]).toEqual([name, cleaned(await treeBy(request))]);
  }
  return readFileSync(file, 'utf8');
}

/** The same in the environment of this process, from which libhwloc takes what to discover. */
async function expectTheSameWith(name: 'HWLOC_SYNTHETIC' | 'HWLOC_FSROOT', value: string) {
  vi.stubEnv(name, value);
  try {
    return await expectTheSameByFile();
  } finally {
    vi.unstubAllEnvs();
  }
}

// Memory may be plugged into a virtual machine between two loads; how much there is of it, the other machines show.
test('of this machine', () =>
  expectTheSameByFile((tree) => tree.replace(/ local_memory="\d+"|<page_type .*/g, '')));

test('of a machine that is only described', async () => {
  const description = 'pack:2 [numa(memory=1073741824)] l3:1 core:2 [numa(memory=2097152)] pu:2';
  const xml = await expectTheSameWith('HWLOC_SYNTHETIC', description);
  for (const bytes of [2 ** 30, 2 ** 21]) expect(xml).toContain(`local_memory="${bytes}"`);
});

test('is nobody else’s to read, and is written once', async () => {
  const folder = temporaryFolder();
  const { file, bytes } = await writeXmlFile(folder, request, tell);
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
    await expectTheSameWith('HWLOC_FSROOT', join(folder, archive.replace('.tar.bz2', '')));
  });
});
