// Checks libhwloc and koffi, through which it is called: whether they can be loaded, which versions they are,
// and what they find on this machine.

import { readFileSync } from 'node:fs';
import { environment, sourceVariables } from '../../../environment/index.js';
import { counted } from '../text.js';
import type { Distribution } from './distribution.js';
import type { Finding } from './finding.js';

type Hwloc = typeof import('../../../hwloc/index.js');

/** What can be said of the library, and of the machine where it works. */
export interface LibraryReport {
  /** Bytes that this machine's topology takes when it is shared; undefined if it cannot be discovered. */
  readonly length: number | undefined;
}

/** The variables that are set, among some. */
export function set(names: readonly string[]): string[] {
  return names.filter((name) => (environment()[name] ?? '') !== '');
}

/**
 * @param asked  The libhwloc that was asked for, by `--libhwloc` or HWLOC_SHARE_LIBHWLOC.
 * @param tell   Called with each finding, and before the discovery with `{ plugins }`, the names of hwloc's
 *   plugins.
 */
export async function checkLibrary(
  distribution: Distribution,
  asked: string | undefined,
  tell: (value: Finding | { readonly plugins: readonly string[] }) => void,
): Promise<LibraryReport> {
  const without = (finding: Finding): LibraryReport => {
    tell(finding);
    return { length: undefined };
  };
  const { koffiVersion } = await import('../../../libc/index.js');
  const hwloc: Hwloc = await import('../../../hwloc/index.js');
  let version: string;
  try {
    version = koffiVersion();
  } catch (error) {
    return without(koffiProblem(error));
  }
  tell({ subject: 'koffi', level: 'ok', text: `koffi ${version}`, facts: { version } });
  try {
    const { finding, plugins } = await describeLibrary(hwloc, distribution, asked);
    tell(finding);
    tell({ plugins });
  } catch (error) {
    return without(libraryProblem(error, hwloc, distribution));
  }
  try {
    const { finding, length } = await describeMachine(hwloc);
    tell(finding);
    return { length };
  } catch (error) {
    return without(machineProblem(error));
  }
}

function koffiProblem(error: unknown): Finding {
  return {
    subject: 'koffi',
    level: 'problem',
    text: firstLine(error),
    // The native part of koffi is an optional package, a different one for each kind of machine.
    mend: 'npm install --include=optional koffi',
  };
}

async function describeLibrary(
  hwloc: Hwloc,
  distribution: Distribution,
  asked: string | undefined,
): Promise<{ readonly finding: Finding; readonly plugins: readonly string[] }> {
  const { file, apiVersion } = hwloc.libhwloc(asked);
  const abi = hwloc.abi();
  // Only a topology has the exact version. This topology is the fastest to load.
  const topology = await hwloc.loadTopology({ source: { synthetic: 'pu:1' } });
  const told = topology.infos.find(({ name }) => name === 'hwlocVersion')?.value;
  const api = hwloc.versionText(apiVersion);
  const version = told ?? api;
  // Plugins are loaded with the first topology, and unloaded with the last.
  const plugins = hwloc.loadedPlugins();
  topology.close();
  const path = mappedFiles(/\/libhwloc[^/]*\.so[^/]*$/)[0] ?? file;
  const facts = { file: path, version, apiVersion: api, abi: hex(abi) };
  const text = `libhwloc ${version}, API ${api}, ABI ${hex(abi)}, ${path}`;
  if (asked !== undefined && asked !== '' && file !== asked) {
    const instead = `${asked} was asked for and cannot be loaded; using ${text}`;
    const mend = distribution.install(libhwlocPackages) ?? 'unset HWLOC_SHARE_LIBHWLOC';
    return { finding: { subject: 'libhwloc', level: 'warning', text: instead, mend, facts }, plugins };
  }
  return { finding: { subject: 'libhwloc', level: 'ok', text, facts }, plugins };
}

/** The name of the package with the library. */
const libhwlocPackages = { apt: 'libhwloc15', dnf: 'hwloc-libs', zypper: 'libhwloc15' };

function libraryProblem(error: unknown, hwloc: Hwloc, distribution: Distribution): Finding {
  const mend = distribution.install(libhwlocPackages);
  const text =
    error instanceof hwloc.LibhwlocNotFoundError
      ? `no libhwloc was found: ${error.attempts.map((each) => each.replace(/^Failed to load shared library: /, '')).join('; ')}`
      : firstLine(error);
  return { subject: 'libhwloc', level: 'problem', text, ...(mend === undefined ? {} : { mend }) };
}

async function describeMachine(
  hwloc: Hwloc,
): Promise<{ readonly finding: Finding; readonly length: number }> {
  const before = performance.now();
  const topology = await hwloc.loadTopology();
  const milliseconds = performance.now() - before;
  try {
    const length = topology.sharedLength();
    const packages = topology.count('Package');
    const nodes = topology.count('NUMANode');
    const cores = topology.count('Core');
    const pus = topology.count('PU');
    const plugins = mappedFiles(/\/hwloc_[^/]*\.so$/).map((path) => path.replace(/^.*\/hwloc_|\.so$/g, ''));
    const named = set(sourceVariables);
    const facts = { packages, numaNodes: nodes, cores, pus, length, milliseconds, plugins, sources: named };
    const result = { length };
    // hwloc continues without a message if it cannot read what a variable names.
    if (named.length > 0 && topology.isThisSystem && set(['HWLOC_THISSYSTEM']).length === 0) {
      const text = `hwloc cannot read what ${assignments(named)} says, and discovers this machine instead`;
      const mend = `unset ${named.join(' ')}`;
      return { ...result, finding: { subject: 'machine', level: 'warning', text, mend, facts } };
    }
    const from = named.length === 0 ? '' : ` (as ${named.join(', ')} says, not this machine)`;
    const text =
      `${counted(packages, 'package')}, ${counted(nodes, 'NUMA node')}, ${counted(cores, 'core')}, ${counted(pus, 'PU')}${from}: ` +
      `discovered in ${milliseconds.toFixed(0)} ms, ${length / 1024} KiB to share; ` +
      (plugins.length === 0 ? 'no plugins of hwloc' : `plugins of hwloc: ${plugins.join(', ')}`);
    return { ...result, finding: { subject: 'machine', level: 'ok', text, facts } };
  } finally {
    topology.close();
  }
}

function machineProblem(error: unknown): Finding {
  const named = set([...sourceVariables, 'HWLOC_COMPONENTS']);
  const why = firstLine(error);
  const subject = 'machine';
  if (named.length === 0) return { subject, level: 'problem', text: `it cannot be discovered: ${why}` };
  const text = `it cannot be discovered with ${assignments(named)}: ${why}`;
  return { subject, level: 'problem', text, mend: `unset ${named.join(' ')}` };
}

function assignments(names: readonly string[]): string {
  return names.map((name) => `${name}=${environment()[name] ?? ''}`).join(' ');
}

/** The files with a name that are mapped in this process. */
function mappedFiles(name: RegExp): string[] {
  const paths = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')))
    .filter((path) => name.test(path));
  return [...new Set(paths)];
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
