// Reads C memory by address without copying it, through views that stay in this folder.

import { koffi } from '../../libc/index.js';

/** Whether this machine is little-endian, for DataView. */
export const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * A view of some memory, and the number of its first slot. Each 8 bytes of a topology's memory are a slot,
 * with a number.
 */
export interface Window {
  readonly view: DataView;
  readonly base: number;
  readonly firstSlot: number;
}

const slotBytes = 8;
/**
 * Bytes after the end of a window, so that a struct at its last address can be read. The biggest, hwloc_obj,
 * has 248 bytes.
 */
const overhang = 512;
const windowBytes = 1 << 16;

/**
 * The memory of one topology.
 *
 * An adopted topology lies in a single mapping: one view covers all of it. A loaded topology lies scattered
 * in malloc()'s memory: windows of 64 KiB cover its objects. Only structs to which libhwloc has pointed are
 * ever read in a window. So it does no harm if other data is in the rest, or if the end of a window is not
 * mapped. Both ways take about 10 ns a field. Reading through koffi.decode takes 115 ns a field, a view for
 * each object takes 1,800 ns (2.1 GHz EPYC), and a copy of the topology would hold it in memory twice.
 *
 * A view over memory that is gone crashes the process: nothing here may be used after the topology is closed.
 */
export class Memory {
  readonly #whole: Window | undefined;
  readonly #wholeBytes: number;
  readonly #windows = new Map<number, Window>();

  constructor(mapping?: { readonly address: number; readonly length: number }) {
    this.#wholeBytes = mapping?.length ?? 0;
    if (mapping) this.#whole = window(mapping.address, mapping.length, 0);
  }

  /**
   * The window that contains an address, with at least 512 bytes after the address (or all that the mapping
   * has).
   */
  windowOf(address: number): Window {
    const whole = this.#whole;
    if (whole !== undefined) {
      const at = address - whole.base;
      if (at >= 0 && at < this.#wholeBytes) return whole;
    }
    const number = Math.floor(address / windowBytes);
    return this.#windows.get(number) ?? this.#open(number);
  }

  #open(number: number): Window {
    const firstSlot = this.#wholeBytes / slotBytes + this.#windows.size * (windowBytes / slotBytes);
    const opened = window(number * windowBytes, windowBytes + overhang, firstSlot);
    this.#windows.set(number, opened);
    return opened;
  }

  uint8(address: number): number {
    const { view, base } = this.windowOf(address);
    return view.getUint8(address - base);
  }

  uint32(address: number): number {
    const { view, base } = this.windowOf(address);
    return view.getUint32(address - base, littleEndian);
  }

  uint64(address: number): number {
    const { view, base } = this.windowOf(address);
    return readUint64(view, address - base);
  }

  /** A NUL-terminated text; `undefined` for a null pointer. */
  text(address: number): string | undefined {
    return address === 0 ? undefined : koffi.decode.string(BigInt(address));
  }
}

function window(base: number, bytes: number, firstSlot: number): Window {
  return { view: new DataView(koffi.view(BigInt(base), bytes)), base, firstSlot };
}

/**
 * The number of the slot at an offset in a window. It is a small number, so unlike an address it makes no
 * garbage when used as a key.
 */
export function slotOf(window: Window, at: number): number {
  return window.firstSlot + at / slotBytes;
}

/**
 * An unsigned 64-bit number or a pointer, exact to 2^53. (getBigUint64 takes twenty times as long and makes
 * garbage.)
 */
export function readUint64(view: DataView, at: number): number {
  const first = view.getUint32(at, littleEndian);
  const second = view.getUint32(at + 4, littleEndian);
  return littleEndian ? first + second * 0x1_0000_0000 : second + first * 0x1_0000_0000;
}

/** An unsigned 16-bit or 32-bit number. */
export function readUint(view: DataView, at: number, bytes: 2 | 4): number {
  return bytes === 2 ? view.getUint16(at, littleEndian) : view.getUint32(at, littleEndian);
}
