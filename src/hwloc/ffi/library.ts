// Finds libhwloc, checks its version once, and declares its functions at their first use.

import { environment } from '../../environment/index.js';
import {
  koffi,
  KoffiNotLoadedError,
  type NativeFunction,
  invoke,
  withVariable,
  openLibrary,
  isMainThread,
} from '../../libc/index.js';
import { LibhwlocNotFoundError, LibhwlocUnsupportedError, NotSupportedError } from '../errors.js';
import { type LibhwlocFunction, prototypeOf } from './prototypes.js';
import { functionsSince, isIn } from './since.js';

// libhwloc's libtool versions (VERSION in its sources): .15 is 2.x from 2.0.1 on, .12 is 2.0.0. The plain
// name comes last: only the development package installs it, and it may be any version.
const sonames = ['libhwloc.so.15', 'libhwloc.so.12', 'libhwloc.so'];

/** A loaded libhwloc: its file, its version and its functions. */
export interface Libhwloc {
  /** The path or soname that it was loaded by. */
  readonly file: string;
  /** `HWLOC_API_VERSION` of the library at run time, e.g. 0x20800 for hwloc 2.8 and 2.9. */
  readonly apiVersion: number;
  /**
   * A function, declared at its first use (about 20 µs each). @throws NotSupportedError  this version does
   * not have it
   */
  readonly native: (name: LibhwlocFunction) => NativeFunction;
  /** Whether this version has a function. */
  readonly has: (name: LibhwlocFunction) => boolean;
  /** The address of a function. */
  readonly addressOf: (name: LibhwlocFunction) => bigint;
}

let loaded: Libhwloc | undefined;

/**
 * The libhwloc of this process, found and checked at the first call.
 *
 * A process uses one libhwloc, since topologies of two could not be told apart. So the first call decides.
 *
 * @param path  The file to load first; default: HWLOC_SHARE_LIBHWLOC. If it cannot be loaded, the usual
 *   sonames are tried. The error names all of them if they fail too.
 * @throws KoffiNotLoadedError, LibhwlocNotFoundError, LibhwlocUnsupportedError
 */
export function libhwloc(path?: string): Libhwloc {
  return (loaded ??= find([path ?? environment().HWLOC_SHARE_LIBHWLOC ?? '', ...sonames].filter(Boolean)));
}

function find(candidates: readonly string[]): Libhwloc {
  const attempts: string[] = [];
  for (const file of candidates) {
    try {
      return open(file);
    } catch (error) {
      if (error instanceof LibhwlocUnsupportedError || error instanceof KoffiNotLoadedError) throw error;
      attempts.push(firstLine(error, file));
    }
  }
  throw new LibhwlocNotFoundError(attempts);
}

function open(file: string): Libhwloc {
  const library = openLibrary(file);
  const declared: Partial<Record<LibhwlocFunction, NativeFunction>> = {};
  const apiVersion = Number(library.func(prototypeOf('hwloc_get_api_version', 2))());
  const major = apiVersion >> 16;
  if (major < 2 || major > 3) throw new LibhwlocUnsupportedError(file, versionText(apiVersion));
  const declare = (name: LibhwlocFunction) => {
    try {
      return library.func(prototypeOf(name, major)) as NativeFunction;
    } catch {
      const since = functionsSince[name];
      const needed = since === undefined ? '' : `, and hwloc ${versionText(since)} or later is needed`;
      throw new NotSupportedError(name, `libhwloc ${versionText(apiVersion)} does not have it${needed}`);
    }
  };
  const native = (name: LibhwlocFunction) => (declared[name] ??= declare(name));
  const addressOf = (name: LibhwlocFunction) => library.symbol(name) as bigint;
  return { file, apiVersion, native, has: (name) => isIn(functionsSince, name, apiVersion), addressOf };
}

/** `2.8` for 0x20800. */
export function versionText(apiVersion: number): string {
  return `${apiVersion >> 16}.${(apiVersion >> 8) & 0xff}`;
}

let cachedAbi: number | undefined;

/**
 * The ABI word: the layout of `struct hwloc_topology` in this process's libhwloc. 0x20400 for 2.4 to 2.15,
 * 0x30000 for 3.0.
 *
 * A topology that a process with another ABI wrote cannot be adopted. The ABI word is the first word of every
 * topology, and the library gives it nowhere else.
 *
 * @see hwloc_topology_abi_check() in hwloc.h
 */
export function abi(library: Libhwloc = libhwloc()): number {
  if (cachedAbi !== undefined) return cachedAbi;
  const topology = [0];
  withoutPlugins(() => invoke('hwloc_topology_init', () => library.native('hwloc_topology_init')(topology)));
  const address = topology[0] ?? 0;
  cachedAbi = abiOf(address);
  library.native('hwloc_topology_destroy')(address);
  return cachedAbi;
}

/** The ABI word of a topology in memory. */
export function abiOf(topology: number): number {
  return koffi.decode.uint32(BigInt(topology));
}

/**
 * Runs `body` without libhwloc's plugins (3 ms, several files), for a call that needs none of them.
 *
 * libhwloc reads HWLOC_PLUGINS_PATH when it creates its first topology; an empty path has no plugins. Worker
 * threads load the plugins all the same: if two threads set the variable at once, one would restore the value
 * of the other.
 */
export function withoutPlugins<Result>(body: () => Result): Result {
  return isMainThread ? withVariable('HWLOC_PLUGINS_PATH', '', body) : body();
}

function firstLine(error: unknown, file: string): string {
  const text = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
  return text.includes(file) ? text : `${file}: ${text}`;
}
