// The topology that all threads of a process share. A process can adopt a mapping only once (hwloc#449), so
// the first thread that joins leaves the topology here for the other threads.

import { NotSupportedError } from './errors.js';
import { keepLoaded, isMainThread, threadId } from '../libc/index.js';
import { libhwloc } from './ffi/library.js';
import { type ProcessPage, numberOf, processPage, share, stateOf, wordOf } from './ffi/process-page.js';
import { type MappedFile, mappedFile, mappingOf } from './mapped-file.js';
import { Opened, pointerOf } from './topology/handle.js';
import { Topology } from './topology/topology.js';

/** What a thread finds when it asks for the topology of its process. */
export type Found =
  /** Nothing: this thread must join, and then call {@link offerTopology} or {@link offerNothing}. */
  | { readonly kind: 'nothing' }
  /** Another thread is joining. */
  | { readonly kind: 'joining'; readonly threadId: number }
  /** The topology of another thread, and the note with it. The topology outlives that thread. */
  | {
      readonly kind: 'there';
      readonly topology: Topology;
      readonly note: number;
      /** The beginning of the file that holds the data beside the topology. */
      readonly data: MappedFile | undefined;
    }
  /** Threads cannot share in this process, or the other thread has loaded another libhwloc. */
  | { readonly kind: 'unreachable' };

/**
 * Asks for the topology of this process.
 *
 * @param file   The libhwloc to use if none is loaded yet.
 * @param ended  The number of a thread that was joining and has ended: this thread takes its place.
 * @throws LibhwlocNotFoundError, LibhwlocUnsupportedError  if there is a topology
 */
export function findTopology(file: string | undefined, ended: number = stateOf.nothing): Found {
  const page = processPage();
  if (page === undefined) return { kind: 'unreachable' };
  const { words, numbers } = page;
  if (share(page, wordOf.state) !== stateOf.shared) {
    const state = Atomics.compareExchange(words, wordOf.state, ended, threadId);
    if (state === ended) return { kind: 'nothing' };
    if (state > 0) return { kind: 'joining', threadId: state };
    // Another thread changed the page between the two reads.
    return findTopology(file);
  }
  if (words[wordOf.version] !== libhwloc(file).apiVersion) return { kind: 'unreachable' };
  const [pointer = 0, address = 0, length = 0, offset = 0] = numbers.subarray(numberOf.pointer);
  const opened = new Opened(pointer, length === 0 ? undefined : { address, length, offset });
  return { kind: 'there', topology: new Topology(opened), note: words[wordOf.note] ?? 0, data: dataOf(page) };
}

/**
 * Leaves a topology to the other threads. Once another thread has taken it, no `close()` destroys it.
 *
 * @param note  A number for them.
 * @param data  Pieces of the file that holds the data beside the topology, from {@link mapPieces}.
 */
export function offerTopology(topology: Topology, note: number, data: Iterable<Uint8Array>): void {
  const page = ownPage();
  if (page === undefined) return;
  const { words, numbers } = page;
  const pointer = pointerOf(topology);
  const library = libhwloc();
  const { address = 0, length = 0, offset = 0 } = topology.adoptedFrom ?? {};
  // An adopted topology is read-only. Any other might still be completed at its first query, by several
  // threads at once.
  if (topology.adoptedFrom === undefined) complete(pointer);
  // A topology has pointers to functions of libhwloc. koffi would unload libhwloc with the last worker thread
  // that has loaded it.
  if (!isMainThread) keepLoaded(library.file);
  numbers.set([pointer, address, length, offset], numberOf.pointer);
  words[wordOf.note] = note;
  words[wordOf.version] = library.apiVersion;
  const file = mappingOf(data);
  // Removes the data of an earlier join, whose topology has been closed.
  Atomics.compareExchange(words, wordOf.dataState, stateOf.there, stateOf.nothing);
  if (file !== undefined) {
    numbers.set([file.address, file.length], numberOf.data);
    Atomics.store(words, wordOf.dataState, stateOf.there);
  }
  Atomics.store(words, wordOf.state, stateOf.there);
}

function dataOf(page: ProcessPage): MappedFile | undefined {
  if (share(page, wordOf.dataState) !== stateOf.shared) return undefined;
  const [address = 0, length = 0] = page.numbers.subarray(numberOf.data);
  return mappedFile(address, length);
}

/** Says that this thread's join has failed. The next thread that asks may try. */
export function offerNothing(): void {
  const page = ownPage();
  if (page !== undefined) Atomics.store(page.words, wordOf.state, stateOf.nothing);
}

/** The page, if this thread is the one that is joining. */
function ownPage(): ProcessPage | undefined {
  const page = processPage();
  return page !== undefined && Atomics.load(page.words, wordOf.state) === threadId ? page : undefined;
}

/** Makes concurrent reading safe. @see hwloc_topology_refresh(), since 2.3 */
function complete(pointer: number): void {
  try {
    libhwloc().native('hwloc_topology_refresh')(pointer);
  } catch (error) {
    if (!(error instanceof NotSupportedError)) throw error;
  }
}
