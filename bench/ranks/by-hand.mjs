// What Node itself takes: the least that a rank in JavaScript can do to share a topology by hand, for comparison. Nothing is negotiated,
// checked or tidied up: rank 0 loads and writes at a fixed address, the others sleep until it has, and adopt.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import process from 'node:process';
import koffi from 'koffi';

const rank = Number(process.env.OMPI_COMM_WORLD_RANK);
const size = Number(process.env.OMPI_COMM_WORLD_SIZE);
/** Where Node and the kernel put nothing: the window in which hwloc-share looks first. */
const address = 0x4b00_0000_0000n;
const IO_KEEP_IMPORTANT = 3;

/** Called before the ranks are held: makes what they sleep on. @param folder  Of the job's gates. */
export function prepare(folder) {
  if (rank === 0) execFileSync('mkfifo', [`${folder}/release`]);
  // Adopting needs no plugins, and the first topology of a process would load them.
  else process.env.HWLOC_PLUGINS_PATH = '';
}

/** @returns what join() of hwloc-share has that the benchmark looks at. */
export function join(folder) {
  const lib = koffi.load('libhwloc.so.15');
  const adopt = lib.func(
    'int hwloc_shmem_topology_adopt(_Out_ void **topology, int fd, uint64_t offset, uint64_t address, size_t length, unsigned long flags)',
  );
  // Both ends, so that nobody waits for the other to open it.
  const release = openSync(`${folder}/release`, 'r+');
  const file = `${folder}/topology`;
  if (rank === 0) writeSync(release, Buffer.alloc(8 * (size - 1)).fill(lengthBytes(write(lib, file))));
  const length = rank === 0 ? undefined : Buffer.alloc(8);
  if (length !== undefined) readSync(release, length);
  closeSync(release);
  if (length === undefined) return done();

  const fd = openSync(file, 'r');
  const topology = [null];
  const failed = adopt(topology, fd, 0, address, length.readBigUInt64LE(), 0);
  closeSync(fd);
  if (failed !== 0) throw new Error('the range is taken');
  return done();
}

function write(lib, file) {
  const call = (declaration, ...given) => {
    if (lib.func(declaration)(...given) !== 0) throw new Error(`failed: ${declaration}`);
  };
  const topology = [null];
  const length = [0];
  call('int hwloc_topology_init(_Out_ void **topology)', topology);
  call('int hwloc_topology_set_io_types_filter(void *topology, int filter)', topology[0], IO_KEEP_IMPORTANT);
  call('int hwloc_topology_load(void *topology)', topology[0]);
  call(
    'int hwloc_shmem_topology_get_length(void *topology, _Out_ size_t *length, unsigned long flags)',
    topology[0],
    length,
    0,
  );
  const fd = openSync(file, 'wx+', 0o600);
  call(
    'int hwloc_shmem_topology_write(void *topology, int fd, uint64_t offset, uint64_t address, size_t length, unsigned long flags)',
    topology[0],
    fd,
    0,
    address,
    length[0],
    0,
  );
  closeSync(fd);
  return length[0];
}

function lengthBytes(length) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(length));
  return bytes;
}

function done() {
  return { outcome: { how: 'adopted', phases: {} }, close: () => undefined };
}
