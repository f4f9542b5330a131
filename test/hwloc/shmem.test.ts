// Every return that hwloc/shmem.h documents, each as a test of its own, against the real libhwloc.

import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { abi, adoptTopology, loadTopology, shmemAbi } from '../../src/hwloc/index.js';
import { pageSize, reserve } from '../../src/libc/index.js';
import { shmemAdopt, shmemLength, shmemWrite } from '../../src/hwloc/shmem.js';
import { pointerOf } from '../../src/hwloc/topology/handle.js';
import type { Topology } from '../../src/hwloc/topology/topology.js';

const page = pageSize();
// Nothing is mapped there by the kernel, V8 or PIE programs: see the windows in src/maps.
const base = 0x4123_4560_0000;

let topology: Topology;
let length: number;
let folder: string;
let fd: number;

beforeAll(async () => {
  topology = await loadTopology({ source: { synthetic: 'pack:2 [numa] l3:1 core:4 pu:2' } });
  length = shmemLength(pointerOf(topology));
  folder = mkdtempSync(join(tmpdir(), 'hwloc-share-test-'));
});

afterAll(() => {
  topology.close();
  rmSync(folder, { recursive: true });
});

beforeEach((context) => {
  const path = join(folder, context.task.id);
  fd = openSync(path, 'wx+', 0o600);
  return () => {
    closeSync(fd);
    rmSync(path);
  };
});

const segment = (changes: { offset?: number; address?: number; length?: number } = {}) => ({
  fd,
  offset: 0,
  address: base,
  length,
  ...changes,
});
const write = (changes = {}, flags = 0) => {
  shmemWrite(pointerOf(topology), segment(changes), flags);
};
const adopt = (changes = {}) => adoptTopology(segment(changes));
const failing = (code: string, functionName: string) =>
  expect.objectContaining({ name: 'HwlocError', code, function: functionName }) as unknown;

function caught(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('hwloc_shmem_topology_get_length', () => {
  test('gives a whole number of pages', () => {
    expect(length).toBeGreaterThan(0);
    expect(length % page).toBe(0);
  });

  test('EINVAL when flags are not 0', () => {
    expect(caught(() => shmemLength(pointerOf(topology), 1))).toEqual(
      failing('EINVAL', 'hwloc_shmem_topology_get_length'),
    );
  });
});

describe('hwloc_shmem_topology_write', () => {
  const name = 'hwloc_shmem_topology_write';

  test('EINVAL when flags are not 0', () => {
    expect(
      caught(() => {
        write({}, 1);
      }),
    ).toEqual(failing('EINVAL', name));
  });

  test('EBUSY when something is mapped in the range', () => {
    const taken = reserve(base + length - page, page);
    expect(
      caught(() => {
        write();
      }),
    ).toEqual(failing('EBUSY', name));
    taken.release();
    write();
  });

  test.each([
    ['offset', { offset: 1 }],
    ['address', { address: base + 8 }],
    ['length', { length: 4097 }],
  ])('EINVAL when the %s is not page-aligned', (what, changes) => {
    const error = caught(() => {
      write(changes);
    });
    expect(error).toEqual(failing('EINVAL', name));
    expect((error as Error).message).toContain(what);
  });

  test('nothing stays mapped, and a failed write leaves the file as it was', () => {
    writeSync(fd, 'before');
    const taken = reserve(base, page);
    expect(
      caught(() => {
        write();
      }),
    ).toEqual(failing('EBUSY', name));
    taken.release();
    const text = Buffer.alloc(100);
    expect(readSync(fd, text, 0, 100, 0)).toBe(6);
    write();
    reserve(base, length).release();
  });
});

describe('hwloc_shmem_topology_adopt', () => {
  const name = 'hwloc_shmem_topology_adopt';

  test('gives the same topology, which is destroyed as usual', () => {
    write();
    const adopted = adopt();
    expect(adopted.exportXml()).toBe(topology.exportXml());
    expect(adopted.adoptedFrom).toEqual({ address: base, offset: 0, length });
    adopted.close();
    // Destroyed means unmapped: the range is free again.
    reserve(base, length).release();
  });

  test('EINVAL when flags are not 0', () => {
    write();
    expect(caught(() => shmemAdopt(segment(), 1))).toEqual(failing('EINVAL', name));
  });

  test('EBUSY when something is mapped in the range', () => {
    write();
    const taken = reserve(base, page);
    expect(caught(() => adopt())).toEqual(failing('EBUSY', name));
    taken.release();
  });

  test('EBUSY for a second adoption in one process (hwloc#449)', () => {
    write();
    const first = adopt();
    expect(caught(() => adopt())).toEqual(failing('EBUSY', name));
    first.close();
  });

  test.each([
    ['offset', { offset: 1 }],
    ['address', { address: base + 8 }],
    ['length', { length: 4097 }],
  ])('EINVAL when the %s is not page-aligned', (_, changes) => {
    write();
    expect(caught(() => adopt(changes))).toEqual(failing('EINVAL', name));
  });

  test('EINVAL when the address differs from the one written', () => {
    write();
    expect(caught(() => adopt({ address: base + page }))).toEqual(failing('EINVAL', name));
  });

  test('EINVAL when the length differs from the one written, shorter or longer', () => {
    write();
    ftruncateSync(fd, length + page);
    expect(caught(() => adopt({ length: length + page }))).toEqual(failing('EINVAL', name));
    expect(caught(() => adopt({ length: length - page }))).toEqual(failing('EINVAL', name));
  });

  test('EINVAL when the offset differs from the one written', () => {
    write({ offset: page });
    expect(caught(() => adopt())).toEqual(failing('EINVAL', name));
    expect(caught(() => adopt({ offset: 2 * page }))).toEqual(failing('EINVAL', name));
    adopt({ offset: page }).close();
  });

  test('EINVAL on an ABI mismatch', () => {
    write();
    expect(shmemAbi({ fd, offset: 0 })).toBe(abi());
    const other = Buffer.from(new Uint32Array([0x10203]).buffer);
    writeSync(fd, other, 0, 4, 24);
    expect(caught(() => adopt())).toEqual(failing('EINVAL', name));
  });

  test('EINVAL, and no crash later, when the file was cut short', () => {
    write();
    ftruncateSync(fd, length - page);
    expect(caught(() => adopt())).toEqual(failing('EINVAL', name));
    ftruncateSync(fd, 0);
    expect(caught(() => adopt())).toEqual(failing('EINVAL', name));
  });

  test('a failed adoption leaves the range free', () => {
    write();
    expect(caught(() => adopt({ address: base + page }))).toEqual(failing('EINVAL', name));
    adopt().close();
  });
});

describe('several topologies in one file', () => {
  test.each([
    [
      'upwards',
      (a: () => void, b: () => void) => {
        a();
        b();
      },
    ],
    // The library cuts the file off behind what it writes: downwards, it would lose the topology written first.
    [
      'downwards',
      (a: () => void, b: () => void) => {
        b();
        a();
      },
    ],
  ])('at different offsets, written %s', async (_, inOrder) => {
    const other = await loadTopology({ source: { synthetic: 'pack:1 core:2 pu:1' } });
    const otherLength = shmemLength(pointerOf(other));
    const second = segment({ offset: length, address: base + 0x1000_0000, length: otherLength });
    inOrder(
      () => {
        write();
      },
      () => {
        shmemWrite(pointerOf(other), second);
      },
    );
    const [a, b] = [adopt(), adoptTopology(second)];
    expect(a.exportXml()).toBe(topology.exportXml());
    expect(b.exportXml()).toBe(other.exportXml());
    for (const each of [a, b, other]) each.close();
  });
});
