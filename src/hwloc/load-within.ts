// Loads a topology within a time limit. A plugin of hwloc may wait forever, for a display that does not
// answer (gl) or for a device. A call that hangs in C cannot be stopped. It is left behind, and the machine
// is discovered again without plugins.

import { readFileSync } from 'node:fs';
import { type Check, checkOptions } from '../check/index.js';
import { environment } from '../environment/index.js';
import { HwlocError } from '../libc/index.js';
import { libhwloc } from './ffi/library.js';
import { type Load, type LoadOptions, beginLoad } from './load.js';
import type { Topology } from './topology/topology.js';

/** Seconds until the user is told that hwloc takes long: more than a big machine needs. */
const longSeconds = 5;

/** Seconds for the last attempt, at least: more than the longest reported discovery (68 s). */
const lastSeconds = 120;

/** How long to wait. */
export interface Patience {
  /** Seconds until the machine is discovered without plugins. */
  readonly seconds: number;
  /** Seconds from then on until the load fails. Default: the same, and at least 120. */
  readonly lastSeconds?: number;
}

/** The plugins that this process no longer loads, because a load with them did not end. */
let givenUp: readonly string[] = [];

/** Whether topologies of this process lack what the plugins would have found. */
export function pluginsGivenUp(): boolean {
  return givenUp.length > 0;
}

/**
 * Loads a topology like {@link loadTopology}, but does not wait forever.
 *
 * After a few seconds, `tell` gets a line. When the time is over, a second load discovers the machine without hwloc's plugins
 * (so without devices of GPUs, displays, PCI). The load that ends first gives the topology. After that, later loads of this
 * process leave the plugins out from the start.
 *
 * @param tell  Called with a sentence for the user.
 * @throws InvalidArgumentError
 * @throws HwlocError  as {@link loadTopology}. `ETIMEDOUT`: neither load ended in time.
 */
export async function loadWithin(
  options: LoadOptions,
  patience: Patience,
  tell: (text: string) => void,
): Promise<Topology> {
  checkOptions('loadWithin', patience, { seconds: positive, lastSeconds: positive });
  const { seconds } = patience;
  const last = patience.lastSeconds ?? Math.max(seconds, lastSeconds);
  const soon = Math.min(longSeconds, seconds);
  const first = beginLoad(options, givenUp);
  const early = await first.within(soon * 1000);
  if (early !== undefined) return early;

  const plugins = loadedPlugins().filter((name) => !givenUp.includes(name));
  if (soon < seconds) {
    tell(
      `hwloc has been discovering this machine for ${soon} s; waiting ${seconds} s at most (HWLOC_SHARE_TIMEOUT). ${adviceOn(plugins)}`,
    );
    const late = await first.within((seconds - soon) * 1000);
    if (late !== undefined) return late;
  }

  // Without plugins, or with hwloc 2.0, there is no second way to load. The machine may just be very big.
  if (plugins.length === 0 || !libhwloc().has('hwloc_topology_set_components'))
    return firstOf([first], seconds, last);
  givenUp = [...givenUp, ...plugins];
  tell(
    `hwloc has not discovered this machine within ${seconds} s (HWLOC_SHARE_TIMEOUT); discovering it again without its ` +
      `plugins (${plugins.join(', ')}), whose devices will be missing`,
  );
  return firstOf([first, beginLoad(options, givenUp)], seconds, last);
}

const positive: Check = (value) =>
  typeof value === 'number' && value > 0 ? undefined : 'a number of seconds above 0';

/** The topology of the load that ends first. The other load is left behind, with its memory. */
async function firstOf(loads: readonly Load[], waited: number, seconds: number): Promise<Topology> {
  let isOver = false;
  const waits = loads.map(async (load) => {
    const topology = await load.within(seconds * 1000, () => isOver);
    if (topology === undefined) throw timedOut(waited + seconds);
    isOver = true;
    return topology;
  });
  return Promise.any(waits).catch((error: unknown) => {
    throw error instanceof AggregateError ? error.errors[0] : error;
  });
}

function timedOut(seconds: number): HwlocError {
  const text = `hwloc has not discovered this machine within ${seconds} s. ${adviceOn(loadedPlugins())}`;
  return new HwlocError('hwloc_topology_load', 'ETIMEDOUT', text);
}

/**
 * The names of hwloc's plugins that are mapped in this process, by their files. Plugins that only read and
 * write XML are left out.
 */
export function loadedPlugins(): string[] {
  const files = readFileSync('/proc/self/maps', 'latin1').matchAll(/\/hwloc_(\w+)\.so( \(deleted\))?$/gm);
  return [...new Set([...files].map(([, name = '']) => name))].filter((name) => !name.startsWith('xml_'));
}

function adviceOn(plugins: readonly string[]): string {
  const named = ['HWLOC_XMLFILE', 'HWLOC_FSROOT'].filter((name) => (environment()[name] ?? '') !== '');
  if (named.length > 0) return `It reads what ${named.join(' and ')} names: look at that`;
  if (plugins.length === 0) return 'None of its plugins is loaded: look at the file systems /proc and /sys';
  // The PCI bus is rarely the reason, and without it much would be missing.
  const suspects = plugins.filter((name) => name !== 'pci');
  const excluded = (suspects.length > 0 ? suspects : plugins).map((name) => `-${name}`).join(',');
  return (
    `If it never ends, one of its plugins is the reason: try HWLOC_COMPONENTS=${excluded}, or an empty ` +
    'HWLOC_PLUGINS_PATH for none of them; hwloc-share doctor finds out which'
  );
}
