// libhwloc's own bitmaps, called directly: the second opinion on ours.

import koffi from 'koffi';
import { libhwloc } from '../../../src/hwloc/index.js';

const library = koffi.load(libhwloc().file);
const declared = new Map<string, ReturnType<typeof library.func>>();

function call(prototype: string, ...args: unknown[]): unknown {
  const known = declared.get(prototype) ?? library.func(prototype);
  declared.set(prototype, known);
  return known(...args);
}

/** A `hwloc_bitmap_t`. */
export class NativeBitmap {
  readonly pointer: number;

  constructor() {
    this.pointer = Number(call('uintptr_t hwloc_bitmap_alloc()'));
  }

  /** A set of ranges, the last of which may have no end (-1). */
  static of(ranges: readonly (readonly [number, number])[]): NativeBitmap {
    const bitmap = new NativeBitmap();
    for (const [begin, end] of ranges) {
      call(
        'int hwloc_bitmap_set_range(uintptr_t b, unsigned int begin, int end)',
        bitmap.pointer,
        begin,
        end,
      );
    }
    return bitmap;
  }

  free(): void {
    call('void hwloc_bitmap_free(uintptr_t b)', this.pointer);
  }

  /** Reads a text; false where libhwloc refuses it. */
  read(format: '' | 'list_' | 'taskset_', text: string): boolean {
    return call(`int hwloc_bitmap_${format}sscanf(uintptr_t b, const char *text)`, this.pointer, text) === 0;
  }

  text(format: '' | 'list_' | 'taskset_'): string {
    const buffer = Buffer.alloc(1 << 16);
    const prototype = `int hwloc_bitmap_${format}snprintf(void *buffer, size_t length, uintptr_t b)`;
    const length = Number(call(prototype, buffer, buffer.length, this.pointer));
    return buffer.toString('latin1', 0, length);
  }

  /** A function of one bitmap that gives a number. */
  ask(name: string): number {
    return Number(call(`int hwloc_bitmap_${name}(uintptr_t b)`, this.pointer));
  }

  /** A function of a bitmap and an index. */
  askAt(name: string, index: number): number {
    return Number(call(`int hwloc_bitmap_${name}(uintptr_t b, int index)`, this.pointer, index));
  }

  /** A function of two bitmaps. */
  askWith(name: string, other: NativeBitmap): number {
    return Number(call(`int hwloc_bitmap_${name}(uintptr_t a, uintptr_t b)`, this.pointer, other.pointer));
  }

  /** A new bitmap from two: `or`, `and`, `andnot`, `xor`. */
  combined(name: string, other: NativeBitmap): NativeBitmap {
    const result = new NativeBitmap();
    const prototype = `int hwloc_bitmap_${name}(uintptr_t result, uintptr_t a, uintptr_t b)`;
    call(prototype, result.pointer, this.pointer, other.pointer);
    return result;
  }

  /** A new bitmap from one, changed in place by a function of it and perhaps some numbers. */
  changed(name: string, ...numbers: readonly number[]): NativeBitmap {
    const result = new NativeBitmap();
    call('int hwloc_bitmap_copy(uintptr_t result, uintptr_t b)', result.pointer, this.pointer);
    const parameters = numbers.map((_, i) => `, int n${i}`).join('');
    call(`int hwloc_bitmap_${name}(uintptr_t b${parameters})`, result.pointer, ...numbers);
    return result;
  }

  complement(): NativeBitmap {
    const result = new NativeBitmap();
    call('int hwloc_bitmap_not(uintptr_t result, uintptr_t b)', result.pointer, this.pointer);
    return result;
  }
}
