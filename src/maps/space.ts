// The part of the address space in which a hole may lie, and useful alignments.
import type { Range } from './ranges.js';

/**
 * The lowest address considered: 64 KiB. This is the highest default of vm.mmap_min_addr among distributions;
 * an unprivileged process may not map below. It is also a multiple of every page size up to 64 KiB.
 */
export const USER_SPACE_START = 0x1_0000;

/**
 * The end of the addresses considered: 2^47 minus one page, which is TASK_SIZE of x86-64 with 4-level page
 * tables. Where more is possible (5 levels, aarch64 with 48 bits), the kernel hands out the rest only on
 * demand, or not on every machine of the kind. So nothing above is ever proposed.
 */
export const USER_SPACE_END = 0x7fff_ffff_f000;

/** Both ends as a range. */
export const USER_SPACE: Range = { start: USER_SPACE_START, end: USER_SPACE_END };

/**
 * Where the default policy looks first, in this order. V8 scatters its mappings evenly at random below
 * 0x4000_0000_0000. PIE programs and their heap are at 0x55.. and 0x56.., libraries and the stack above
 * 0x7e...
 */
export const SCATTER_WINDOWS: readonly Range[] = [
  { start: 0x4000_0000_0000, end: 0x5400_0000_0000 },
  { start: 0x6000_0000_0000, end: 0x7000_0000_0000 },
];

/** 2 MiB, what one entry of the second-lowest page table spans on x86-64 (and on others with 4 KiB pages). */
export const ALIGNMENT = 0x20_0000;

/** 64 MiB: PMIx's first choice, useful on POWER with 64 KiB pages. */
export const WIDE_ALIGNMENT = 0x400_0000;
