// Binding the ranks of the built-in launcher: each to a core, in the order of the machine. Loaded only for --bind-to.

import { CpuSet } from '../../hwloc/index.js';
import { setThreadAffinity, textIn, threadAffinity } from '../../libc/index.js';
import { counted } from '../commands/text.js';
import { messageOf } from '../../errors/index.js';

/** Calls `start` so that the process it starts has the rank's binding. */
export type Bind = <Result>(rank: number, start: () => Result) => Result;

/**
 * Binds ranks to cores: rank r to core r among the cores that this process may use. With more ranks than
 * cores, starts again at the first core. If a rank cannot be bound, it runs unbound, and `complain` is called
 * once.
 */
export function bindToCores(ranks: number, complain: (text: string) => void): Bind {
  let canBind = true;
  const failed = (error: unknown) => {
    if (canBind) complain(`--bind-to core: ${messageOf(error)}; the ranks are not bound`);
    canBind = false;
  };
  let own: readonly number[] = [];
  let cores: readonly CpuSet[] = [];
  try {
    own = threadAffinity();
    cores = coresIn(CpuSet.from(own), fileOfCpu);
    if (ranks > cores.length)
      complain(`--bind-to core: ${ranks} ranks share ${counted(cores.length, 'core')}`);
  } catch (error) {
    failed(error);
  }
  return (rank, start) => {
    const core = cores[rank % cores.length];
    if (core === undefined || !canBind) return start();
    try {
      setThreadAffinity(core);
    } catch (error) {
      failed(error);
      return start();
    }
    try {
      return start();
    } finally {
      setThreadAffinity(own);
    }
  };
}

/**
 * The cores that have some of these CPUs, each as a set of its CPUs: sorted by package, then by their first
 * CPU.
 *
 * @param read  Reads a file about a CPU: its name in /sys/devices/system/cpu/cpuN/topology. Returns undefined
 *   if there is none.
 */
export function coresIn(
  cpus: CpuSet,
  read: (cpu: number, name: string) => string | undefined,
): readonly CpuSet[] {
  const cores: { readonly cpus: CpuSet; readonly package: number }[] = [];
  let rest = cpus;
  for (let cpu = rest.first; cpu !== undefined; cpu = rest.first) {
    // Before Linux 5.3, only the second name exists.
    const siblings = read(cpu, 'core_cpus_list') ?? read(cpu, 'thread_siblings_list') ?? '';
    const core = CpuSet.of(cpu).union(CpuSet.parseList(siblings).intersection(cpus));
    cores.push({ cpus: core, package: Number(read(cpu, 'physical_package_id') ?? 0) });
    rest = rest.difference(core);
  }
  return cores.sort((a, b) => a.package - b.package).map((core) => core.cpus);
}

/** Without /sys in this container, each CPU counts as a core. */
function fileOfCpu(cpu: number, name: string): string | undefined {
  return textIn(`/sys/devices/system/cpu/cpu${cpu}/topology/${name}`);
}
