// Which steps may use the same topology: those that would discover the same.
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Asked, fingerprintOf, textsOf } from '../../src/kept/fingerprint.js';
import { temporaryFolder } from '../support/temporary.js';

const asked: Asked = {
  env: { HWLOC_SYNTHETIC: 'core:4 pu:1', PATH: '/bin' },
  io: 'important',
  hole: undefined,
  xmlfile: false,
  allowed: { cpus: '0-3', nodes: '0' },
  library: 'libhwloc.so.15 2.8 132096',
};
const printOf = (change: Partial<Asked> = {}) => fingerprintOf(textsOf({ ...asked, ...change }));

describe('a table of texts', () => {
  test('has one fingerprint, whatever its order, and a name that a file can have', () => {
    const print = fingerprintOf({ a: '1', b: '2' });
    expect(print).toMatch(/^[0-9a-f]{24}$/);
    expect(fingerprintOf({ b: '2', a: '1' })).toBe(print);
  });

  test('has another one if any text is changed, added, removed or moved', () => {
    const tables = [
      { a: '1', b: '2' },
      { a: '2', b: '1' },
      { a: '1' },
      { a: '1', b: '' },
      { a: '1', c: '2' },
      {},
    ];
    expect(new Set(tables.map(fingerprintOf)).size).toBe(tables.length);
  });

  test('does not count what is missing', () => {
    expect(fingerprintOf({ a: '1', b: undefined })).toBe(fingerprintOf({ a: '1' }));
  });
});

describe('what a step asks for', () => {
  test.each<[string, Partial<Asked>]>([
    ['another libhwloc', { library: 'libhwloc.so.15 2.12 132096' }],
    ['other I/O objects', { io: 'all' }],
    ['another place', { hole: 'libs' }],
    ['other CPUs that it may use', { allowed: { cpus: '0-1', nodes: '0' } }],
    ['other NUMA nodes that it may use', { allowed: { cpus: '0-3', nodes: '0-1' } }],
    ['another machine', { env: { HWLOC_SYNTHETIC: 'core:8 pu:1' } }],
    ['a variable of hwloc', { env: { ...asked.env, HWLOC_KEEP_NVIDIA_GPU_NUMA_NODES: '1' } }],
    ['other GPUs', { env: { ...asked.env, CUDA_VISIBLE_DEVICES: '1' } }],
    ['a display', { env: { ...asked.env, DISPLAY: ':0' } }],
  ])('is another topology with %s', (_, change) => {
    expect(printOf(change)).not.toBe(printOf());
  });

  test('does not depend on variables of the job or of hwloc-share', () => {
    const env = { ...asked.env, PATH: '/usr/bin', SLURM_STEP_ID: '7', HWLOC_SHARE_JOB: 'n1-17-4' };
    expect(printOf({ env })).toBe(printOf());
  });

  test('does not depend on the XML file that --xmlfile made for this step', () => {
    const env = (file: string) => ({ HWLOC_XMLFILE: file });
    expect(printOf({ env: env('/a'), xmlfile: true })).toBe(printOf({ env: env('/b'), xmlfile: true }));
    expect(printOf({ env: env('/a') })).not.toBe(printOf({ env: env('/b') }));
  });
});

test('a file that a variable names counts with its content', () => {
  const file = join(temporaryFolder(), 'machine.xml');
  const print = () => printOf({ env: { HWLOC_XMLFILE: file } });
  const prints = [print()];
  writeFileSync(file, 'one');
  prints.push(print());
  writeFileSync(file, 'other');
  prints.push(print());
  utimesSync(file, 1, 1);
  prints.push(print());
  expect(new Set(prints).size).toBe(prints.length);
  expect(print()).toBe(prints.at(-1));
});

describe('a machine that runs', () => {
  /** /proc and /sys of a machine, as far as they are looked at. */
  const machine = () => {
    const root = temporaryFolder();
    const write = (name: string, text: string) => {
      mkdirSync(join(root, name, '..'), { recursive: true });
      writeFileSync(join(root, name), text);
    };
    const system = 'sys/devices/system';
    write(`${system}/cpu/online`, '0-7\n');
    write(`${system}/node/online`, '0-1\n');
    for (const node of [0, 1]) {
      write(
        `${system}/node/node${node}/meminfo`,
        `Node ${node} MemTotal: 1000 kB\nNode ${node} MemFree: 1 kB\n`,
      );
      write(`${system}/node/node${node}/hugepages/hugepages-2048kB/nr_hugepages`, '0\n');
    }
    for (const kind of ['bus/pci/devices', 'class/net'])
      mkdirSync(join(root, 'sys', kind), { recursive: true });
    const print = (io = 'important') => printOf({ env: { HWLOC_FSROOT: root }, io });
    return { write, print, system };
  };

  test.each([
    ['CPUs go offline', 'cpu/online', '0-3,5-7\n'],
    ['a memory node comes', 'node/online', '0-2\n'],
    ['memory is plugged in', 'node/node1/meminfo', 'Node 1 MemTotal: 2000 kB\nNode 1 MemFree: 1 kB\n'],
    ['huge pages are set up', 'node/node0/hugepages/hugepages-2048kB/nr_hugepages', '64\n'],
    ['huge pages of another size come', 'node/node0/hugepages/hugepages-1048576kB/nr_hugepages', '1\n'],
  ])('is another one when %s', (_, name, text) => {
    const { write, print, system } = machine();
    const before = print();
    expect(print()).toBe(before);
    write(`${system}/${name}`, text);
    expect(print()).not.toBe(before);
  });

  test.each([
    'bus/pci/devices/0000:01:00.0',
    'class/net/ib0',
    'class/block/nvme0n1',
    'class/infiniband/mlx5_0',
  ])('is another one with %s, if the step asks for devices', (device) => {
    const { write, print } = machine();
    const before = [print(), print('none')];
    write(`sys/${device}`, '');
    expect(print()).not.toBe(before[0]);
    expect(print('none')).toBe(before[1]);
  });

  test('is the same when memory is used', () => {
    const { write, print, system } = machine();
    const before = print();
    write(`${system}/node/node1/meminfo`, 'Node 1 MemTotal: 1000 kB\nNode 1 MemFree: 900 kB\n');
    expect(print()).toBe(before);
  });
});

test('this machine has one', () => {
  expect(Object.keys(textsOf({ ...asked, env: {} }))).toEqual(
    expect.arrayContaining(['boot', 'online CPUs', 'online nodes', 'bus/pci/devices']),
  );
});
