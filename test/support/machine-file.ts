// This machine's topology in a file. Jobs that take it from there can be compared with each other at any time, while the machine itself
// may change: memory is plugged into virtual machines.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadTopology } from '../../src/hwloc/index.js';
import { temporaryFolder } from './temporary.js';

let written: Promise<Record<string, string>> | undefined;

/** The variables by which ranks, and all that use hwloc, have this machine's topology from a file that is written once. */
export function machineFile(): Promise<Record<string, string>> {
  return (written ??= write());
}

async function write(): Promise<Record<string, string>> {
  const topology = await loadTopology({ io: 'important' });
  const file = join(temporaryFolder(), 'machine.xml');
  writeFileSync(file, topology.exportXml());
  topology.close();
  // It is this machine's: ranks can bind themselves.
  return { HWLOC_XMLFILE: file, HWLOC_THISSYSTEM: '1' };
}
