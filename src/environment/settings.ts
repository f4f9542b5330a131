// Reads and checks the HWLOC_SHARE_* variables, which users set.

import type { Environment } from './process.js';

/** What the wrapper or the user tells the ranks. */
export interface Settings {
  /** The wrapper's name for this job (`HWLOC_SHARE_JOB`); undefined without a wrapper. */
  readonly job: string | undefined;
  /**
   * The launcher that the wrapper started (`HWLOC_SHARE_LAUNCHER`); undefined if a script starts the
   * launchers, and without a wrapper.
   */
  readonly launcher: string | undefined;
  /** The directory for the channel, tried before the usual places (`HWLOC_SHARE_DIR`). */
  readonly directory: string | undefined;
  /** Seconds to wait for ranks that do not come (`HWLOC_SHARE_TIMEOUT`). */
  readonly timeout: number;
  /** Whether a rank that cannot share fails instead of taking the fallback (`HWLOC_SHARE_STRICT`). */
  readonly strict: boolean;
  /** I/O objects in the topology: `important`, `none` or `all` (`HWLOC_SHARE_IO`). */
  readonly io: IoFilter;
  /** Which hole to choose: a named policy or an address (`HWLOC_SHARE_HOLE`); checked by src/maps. */
  readonly hole: string | undefined;
  /** The libhwloc to use (`HWLOC_SHARE_LIBHWLOC`). */
  readonly libhwloc: string | undefined;
  /** Whether programs that do not use hwloc-share should find the topology too (`HWLOC_SHARE_XMLFILE`). */
  readonly xmlfile: boolean;
  /**
   * The variables that change the topology: one line `NAME=VALUE` for each of {@link shapeVariables} that is
   * set; empty if none is.
   */
  readonly source: string;
  /** Whether to report success too (`HWLOC_SHARE_VERBOSE`). */
  readonly verbose: boolean;
  /**
   * Where each rank leaves a record of its join, for the wrapper's report (`HWLOC_SHARE_SPOOL`). Only the
   * wrapper sets it.
   */
  readonly spool: string | undefined;
  /** Invalid values, one sentence each. The default is used instead. */
  readonly complaints: readonly string[];
}

/** The I/O filters that hwloc-share offers. */
export const ioFilters = ['important', 'none', 'all'] as const;
export type IoFilter = (typeof ioFilters)[number];

/** The variables by which the built-in launcher tells each rank its identity. */
export const placeVariables = {
  rank: 'HWLOC_SHARE_RANK',
  size: 'HWLOC_SHARE_SIZE',
  localRank: 'HWLOC_SHARE_LOCAL_RANK',
  localSize: 'HWLOC_SHARE_LOCAL_SIZE',
} as const;

/** 30 s: longer than any reported difference between the starts of ranks, shorter than a user's patience. */
export const defaultTimeout = 30;

/** A day. */
export const longestTimeout = 86_400;

/**
 * Reads the settings. An invalid value gets a complaint and keeps its default: a job must not fail because of
 * it.
 */
export function settingsFrom(env: Environment): Settings {
  const complaints: string[] = [];
  const given = (name: string) => (env[name] === '' ? undefined : env[name]);

  const timeout = Number(given('HWLOC_SHARE_TIMEOUT') ?? defaultTimeout);
  const timeoutFits = timeout > 0 && timeout <= longestTimeout;
  if (!timeoutFits) {
    complaints.push(
      `HWLOC_SHARE_TIMEOUT=${env.HWLOC_SHARE_TIMEOUT ?? ''} is not a number of seconds up to a day`,
    );
  }

  const io = ioFilters.find((filter) => filter === (given('HWLOC_SHARE_IO') ?? 'important'));
  if (io === undefined) {
    complaints.push(`HWLOC_SHARE_IO=${env.HWLOC_SHARE_IO ?? ''} is none of ${ioFilters.join(', ')}`);
  }

  return {
    job: given('HWLOC_SHARE_JOB'),
    launcher: given('HWLOC_SHARE_LAUNCHER'),
    directory: given('HWLOC_SHARE_DIR'),
    timeout: timeoutFits ? timeout : defaultTimeout,
    strict: isOn(given('HWLOC_SHARE_STRICT')),
    io: io ?? 'important',
    hole: given('HWLOC_SHARE_HOLE'),
    libhwloc: given('HWLOC_SHARE_LIBHWLOC'),
    xmlfile: isOn(given('HWLOC_SHARE_XMLFILE')),
    source: sourceOf(env),
    verbose: isOn(given('HWLOC_SHARE_VERBOSE')),
    spool: given('HWLOC_SHARE_SPOOL'),
    complaints,
  };
}

/** Variables that make hwloc describe another machine. @see hwloc's manual, "Environment Variables" */
export const sourceVariables = ['HWLOC_XMLFILE', 'HWLOC_SYNTHETIC', 'HWLOC_FSROOT', 'HWLOC_CPUID_PATH'];

/**
 * Variables that change the topology: {@link sourceVariables}, and the choice of components. In the order of
 * docs/protocol.md, `shape`.
 */
export const shapeVariables = [
  'HWLOC_SYNTHETIC',
  'HWLOC_XMLFILE',
  'HWLOC_FSROOT',
  'HWLOC_CPUID_PATH',
  'HWLOC_COMPONENTS',
];

function sourceOf(env: Environment): string {
  // Under --xmlfile, hwloc-share has set this variable, to a file of this process.
  const isOurs = (name: string) => name === 'HWLOC_XMLFILE' && (env.HWLOC_SHARE_XMLFILE ?? '') !== '';
  const set = shapeVariables.filter((name) => (env[name] ?? '') !== '' && !isOurs(name));
  return set.map((name) => `${name}=${env[name] ?? ''}\n`).join('');
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && !['0', 'no', 'false', 'off'].includes(value.toLowerCase());
}
