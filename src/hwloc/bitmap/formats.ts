// Reads and writes hwloc's three text formats of a set: its own (0x0000000f,0xffffffff), lists (0-3,8) and
// taskset's (0xfffffffff). Reading is stricter than in libhwloc, which takes "1a" for an empty list, and
// aborts the process on ",,1".

import { type Bits, bitsOf, checkIndex, complement, empty, firstFrom, full, zeros } from './bits.js';
import { type InfiniteTexts, textsAtHand } from './infinite-texts.js';

const infinitePrefix = '0xf...f';

/** Words from the lowest to the highest. */
function wordsToWrite({ words, infinite }: Bits, texts?: InfiniteTexts): number[] {
  const list = Array.from(words);
  if (infinite && list.length % 2 === 1 && (texts ?? textsAtHand()) === 'words') list.push(0xffff_ffff);
  return list;
}

const hex8 = (word: number) => word.toString(16).padStart(8, '0');

/** @param texts  Default: as the loaded libhwloc. @see hwloc_bitmap_snprintf() */
export function formatHwloc(bits: Bits, texts?: InfiniteTexts): string {
  const groups = wordsToWrite(bits, texts)
    .map((word, i) => (word !== 0 ? `0x${hex8(word)}` : i === 0 ? '0x0' : ''))
    .reverse();
  if (bits.infinite) groups.unshift(infinitePrefix);
  return groups.length === 0 ? '0x0' : groups.join(',');
}

/** @param texts  Default: as the loaded libhwloc. @throws SyntaxError @see hwloc_bitmap_sscanf() */
export function parseHwloc(text: string, texts?: InfiniteTexts): Bits {
  const groups = text.split(',');
  const infinite = groups[0] === infinitePrefix;
  if (infinite) {
    groups.shift();
    if (groups.length === 0) return full;
  }
  const words = groups.map((group, i) => {
    const blank = group === '' && i !== groups.length - 1 && (i !== 0 || infinite);
    if (!blank && !/^(0x)?[0-9a-f]{1,8}$/i.test(group)) throw malformed(text, '0x0000000f,0xffffffff');
    return blank ? 0 : parseInt(group, 16);
  });
  words.reverse();
  checkIndex(words.length * 32 - 1);
  // An odd number of groups leaves the upper half of the highest 64-bit word empty.
  if (infinite && words.length % 2 === 1 && (texts ?? textsAtHand()) === 'words') words.push(0);
  return bitsOf(words, infinite);
}

/** @see hwloc_bitmap_list_snprintf() */
export function formatList(bits: Bits): string {
  const outside = complement(bits);
  const ranges: string[] = [];
  let begin = firstFrom(bits, 0);
  while (begin !== undefined) {
    const end = firstFrom(outside, begin);
    ranges.push(end === undefined ? `${begin}-` : end === begin + 1 ? `${begin}` : `${begin}-${end - 1}`);
    begin = end === undefined ? undefined : firstFrom(bits, end);
  }
  return ranges.join(',');
}

/** @throws SyntaxError @see hwloc_bitmap_list_sscanf() */
export function parseList(text: string): Bits {
  let open: number | undefined;
  const ranges: [number, number][] = [];
  for (const item of text.split(',')) {
    // Empty items are ignored, as in libhwloc. So the empty text is the empty set.
    if (item === '') continue;
    const match = /^(0|[1-9]\d*|0x[0-9a-f]+)(?:(-)(0|[1-9]\d*|0x[0-9a-f]+)?)?$/i.exec(item);
    if (match === null || open !== undefined) throw malformed(text, '0-3,8,16-');
    const begin = checkIndex(Number(match[1]));
    if (match[2] !== undefined && match[3] === undefined) {
      open = begin;
      continue;
    }
    const end = checkIndex(Number(match[3] ?? match[1]));
    if (end < begin) throw malformed(text, '0-3,8,16-');
    ranges.push([begin, end]);
  }
  return fromRanges(ranges, open);
}

function fromRanges(ranges: readonly [number, number][], open: number | undefined): Bits {
  if (ranges.length === 0 && open === undefined) return empty;
  const top = ranges.reduce((highest, [, end]) => Math.max(highest, end), open ?? 0);
  const words = zeros((top >>> 5) + 1);
  const all = open === undefined ? ranges : [...ranges, [open, words.length * 32 - 1] as const];
  for (const [begin, end] of all) {
    for (let i = begin >>> 5; i <= end >>> 5; i++) {
      const from = i === begin >>> 5 ? 0xffff_ffff << (begin & 31) : -1;
      const to = i === end >>> 5 ? 0xffff_ffff >>> (31 - (end & 31)) : -1;
      words[i] = ((words[i] ?? 0) | (from & to)) >>> 0;
    }
  }
  return bitsOf(words, open !== undefined);
}

/** @param texts  Default: as the loaded libhwloc. @see hwloc_bitmap_taskset_snprintf() */
export function formatTaskset(bits: Bits, texts?: InfiniteTexts): string {
  const digits = wordsToWrite(bits, texts).reverse().map(hex8).join('');
  if (bits.infinite) return infinitePrefix + digits;
  return `0x${digits.replace(/^0+(?=.)/, '') || '0'}`;
}

/** @param texts  Default: as the loaded libhwloc. @throws SyntaxError @see hwloc_bitmap_taskset_sscanf() */
export function parseTaskset(text: string, texts?: InfiniteTexts): Bits {
  const infinite = text.startsWith(infinitePrefix);
  const digits = infinite ? text.slice(infinitePrefix.length) : text.replace(/^0x/i, '');
  if (infinite && digits === '') return full;
  if (!/^[0-9a-f]+$/i.test(digits)) throw malformed(text, '0xff00');
  const length = infinite ? Math.ceil(digits.length / 16) * 2 : Math.ceil(digits.length / 8);
  checkIndex(length * 32 - 1);
  const missing = infinite && (texts ?? textsAtHand()) === 'digits' ? 'f' : '0';
  const padded = digits.padStart(length * 8, missing);
  const words = Array.from({ length }, (_, i) =>
    parseInt(padded.slice(padded.length - 8 * (i + 1), padded.length - 8 * i), 16),
  );
  return bitsOf(words, infinite);
}

function malformed(text: string, example: string): SyntaxError {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new SyntaxError(`not a set in this format (such as ${example}): ${JSON.stringify(shown)}`);
}
