// A page of memory that all threads of a process find at the same address. It says whether a thread has
// joined, and which topology the thread got. Each thread has its own JavaScript world: threads share native
// memory only, and nothing in native memory has a name except its address.

import { readFileSync } from 'node:fs';
import { koffi, mapNew, pageSize, threadId } from '../../libc/index.js';

/**
 * Far from all other mappings: above the heap of programs at fixed addresses, below everything else, and
 * within the 38 bits of the smallest address spaces. If the layout of the page changes, its address must
 * change too.
 */
const address = 0x20_0005_0000;

/** More than the one page that is used: the address together with this length identifies the page. */
const length = 5 * 4096;

/**
 * The page, as two views of the same memory. Several threads read and write it: states are changed with
 * `Atomics` only.
 */
export interface ProcessPage {
  readonly words: Int32Array;
  readonly numbers: Float64Array;
}

let page: ProcessPage | undefined;

/**
 * The page, made by the first thread that asks; undefined if something else is mapped at its address, or
 * threads have no names.
 */
export function processPage(): ProcessPage | undefined {
  if (page === undefined && threadId !== 0 && (mapNew(address, length) || isOurs())) {
    const memory = koffi.view(BigInt(address), 128);
    page = { words: new Int32Array(memory), numbers: new Float64Array(memory) };
  }
  return page;
}

function isOurs(): boolean {
  try {
    return isPageIn(readFileSync('/proc/self/maps', 'latin1'));
  } catch {
    return false;
  }
}

/**
 * Whether the mapping at the page's address is the page, made by another thread.
 *
 * @param maps  /proc/self/maps. The page may be its first line: if Node is a position-independent program,
 *   nothing lies below.
 */
export function isPageIn(maps: string): boolean {
  const end = address + Math.ceil(length / pageSize()) * pageSize();
  return `\n${maps}`.includes(`\n${address.toString(16)}-${end.toString(16)} rw-p 00000000 00:00 0`);
}

/** The values of a state word. In the first state word, a positive number is the thread that is joining. */
export const stateOf = {
  /** No thread has it. */
  nothing: 0,
  /** A thread has it, and no other thread has seen it. */
  there: -1,
  /** Several threads have it: it stays until the process ends. */
  shared: -2,
} as const;

/**
 * Positions of the 32-bit words: the states of the topology and of the data beside it, and facts about the
 * topology.
 */
export const wordOf = { state: 0, dataState: 1, note: 2, version: 3 } as const;
/** Positions of the 64-bit numbers, after the words. */
export const numberOf = { pointer: 2, address: 3, length: 4, offset: 5, data: 6, dataLength: 7 } as const;

/** Marks the topology or the data as shared, for good. @returns the new state. */
export function share({ words }: ProcessPage, word: number): number {
  const before = Atomics.compareExchange(words, word, stateOf.there, stateOf.shared);
  return before === stateOf.there ? stateOf.shared : before;
}

/**
 * Takes a topology back before it is destroyed. @returns whether it may be destroyed: no other thread can
 * reach it, now or later.
 */
export function takeBackTopology(pointer: number): boolean {
  return takeBack(wordOf.state, numberOf.pointer, pointer);
}

/** Takes data back before it is unmapped. @returns whether it may be unmapped. */
export function takeBackData(address: number): boolean {
  return takeBack(wordOf.dataState, numberOf.data, address);
}

function takeBack(word: number, number: number, address: number): boolean {
  // Not processPage(): a thread that has never asked for the page has put nothing there.
  if (page?.numbers[number] !== address) return true;
  return Atomics.compareExchange(page.words, word, stateOf.there, stateOf.nothing) !== stateOf.shared;
}
