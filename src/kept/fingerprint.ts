// Computes fingerprints: everything that a topology depends on, as one short text. A step can use a kept
// topology that has the step's own fingerprint.

import { statSync } from 'node:fs';
import { fnv1a } from '../channel/place/index.js';
import type { Environment } from '../environment/index.js';
import { namesUnder, numbersIn, textIn } from '../libc/index.js';

/**
 * The CPUs and NUMA nodes that a process may use, as lists of OS indexes (`0-3,8`); undefined if the system
 * does not report them.
 */
export interface Allowed {
  readonly cpus: string | undefined;
  readonly nodes: string | undefined;
}

/** The part of a fingerprint that the leader knows without reading the system. */
export interface Asked {
  readonly env: Environment;
  /** HWLOC_SHARE_IO. */
  readonly io: string;
  /** HWLOC_SHARE_HOLE: a step that asks for another place must not get the kept topology. */
  readonly hole: string | undefined;
  /** HWLOC_SHARE_XMLFILE: then hwloc-share sets HWLOC_XMLFILE, to another file in each step. */
  readonly xmlfile: boolean;
  readonly allowed: Allowed;
  /** The file, version and ABI of libhwloc. */
  readonly library: string;
}

/** Texts by name; undefined for a missing one. */
export type Texts = Readonly<Record<string, string | undefined>>;

/** Variables that change what hwloc, and the device libraries that it uses, report. */
const shaping =
  /^(HWLOC_(?!SHARE_)|CUDA_|NVIDIA_|ROCR_|HIP_|GPU_DEVICE_ORDINAL$|ZES?_|SYCL_|ONEAPI_|OCL_|OPENCL_|DISPLAY$)/;

/** The fingerprint of a table of texts: 24 hex digits. The order of the table does not matter. */
export function fingerprintOf(texts: Texts): string {
  const text = Object.keys(texts)
    .sort()
    .map((name) => (texts[name] === undefined ? '' : `${name}=${texts[name]}\n`))
    .join('');
  const hex = (value: number) => value.toString(16).padStart(8, '0');
  // Another beginning gives another hash: 64 bits together, and the length.
  return hex(fnv1a(text)) + hex(fnv1a(`again ${text}`)) + hex(text.length);
}

/** Reads everything that a topology depends on. Takes a few hundred microseconds. */
export function textsOf({ env, io, hole, xmlfile, allowed, library }: Asked): Texts {
  const texts: Record<string, string | undefined> = {
    library,
    io,
    hole,
    xmlfile: String(xmlfile),
    boot: textIn('/proc/sys/kernel/random/boot_id'),
    // The CPUs that the cgroup allows, not its name, which is different for each step of Slurm.
    cpus: allowed.cpus ?? `unknown, of ${textIn('/proc/self/cpuset') ?? 'no cgroup'}`,
    nodes: allowed.nodes,
  };
  for (const name of Object.keys(env)) {
    if (!shaping.test(name) || (xmlfile && name === 'HWLOC_XMLFILE')) continue;
    texts[`variable ${name}`] = env[name];
    if (name.startsWith('HWLOC_')) texts[`file of ${name}`] = fileIdentity(env[name] ?? '');
  }
  if (!isDescribed(env, xmlfile)) Object.assign(texts, machineTexts(env.HWLOC_FSROOT ?? '', io !== 'none'));
  return texts;
}

/** Whether the topology comes from a file or a description, and so does not depend on this machine. */
function isDescribed(env: Environment, xmlfile: boolean): boolean {
  const isSet = (name: string) => (env[name] ?? '') !== '';
  // HWLOC_COMPONENTS may turn them off.
  if (isSet('HWLOC_COMPONENTS')) return false;
  return isSet('HWLOC_SYNTHETIC') || (isSet('HWLOC_XMLFILE') && !xmlfile);
}

/**
 * Facts of a machine that may change while it runs.
 *
 * @param root  HWLOC_FSROOT: the directory that contains the /proc and /sys of the machine.
 */
function machineTexts(root: string, withIo: boolean): Texts {
  const system = `${root === '/' ? '' : root}/sys`;
  const nodes = textIn(`${system}/devices/system/node/online`);
  const texts: Record<string, string | undefined> = {
    'online CPUs': textIn(`${system}/devices/system/cpu/online`),
    'online nodes': nodes,
  };
  if (nodes === undefined) texts.memory = memoryIn(textIn(`${root}/proc/meminfo`));
  for (const node of numbersIn(nodes ?? '')) {
    const directory = `${system}/devices/system/node/node${node}`;
    texts[`memory of node ${node}`] = memoryIn(textIn(`${directory}/meminfo`));
    for (const size of namesUnder(`${directory}/hugepages`)) {
      texts[`node ${node}, ${size}`] = textIn(`${directory}/hugepages/${size}/nr_hugepages`);
    }
  }
  if (withIo) {
    for (const kind of [
      'bus/pci/devices',
      'class/net',
      'class/block',
      'class/infiniband',
      'class/drm',
      'bus/dax/devices',
    ]) {
      texts[kind] = namesUnder(`${system}/${kind}`).sort().join(' ');
    }
  }
  return texts;
}

/** The number in `Node 0 MemTotal:       16384 kB`. The other lines of meminfo change all the time. */
function memoryIn(meminfo: string | undefined): string | undefined {
  return /MemTotal:\s*(\d+)/.exec(meminfo ?? '')?.[1];
}

/** The identity and time of the file or directory that a value names; undefined if it names none. */
function fileIdentity(value: string): string | undefined {
  try {
    const status = value === '' ? undefined : statSync(value, { bigint: true, throwIfNoEntry: false });
    if (status === undefined) return undefined;
    const { dev, ino, size, mtimeNs, ctimeNs } = status;
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return undefined; // ENAMETOOLONG: the text is not a file name.
  }
}
