// Reading C memory by address without copying it: views that stay in this folder, over what a topology is made of.

import { koffi } from '../../libc/index.js';

/** Whether numbers in memory have their lowest byte first, as DataView wants to be told. */
export const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A piece of memory, and the number of its first slot: every 8 bytes of what a topology is made of have a number. */
export interface Window {
  readonly view: DataView;
  readonly base: number;
  readonly firstSlot: number;
}

const slotBytes = 8;
/** What is read at one address fits behind the end of a window: the biggest struct, hwloc_obj, has 248 bytes. */
const overhang = 512;
const windowBytes = 1 << 16;

/**
 * The memory of one topology.
 *
 * An adopted one lies in a single mapping: one view over all of it. A loaded one lies scattered in what malloc() gave:
 * it gets windows of 64 KiB where its objects are. Of a window, only the structs that libhwloc has pointed us to are
 * ever read, so it does no harm if others own the rest, or if the end of it is not mapped. Both cost some 10 ns a field; reading
 * through koffi.decode costs 115 ns a field, a view for each object 1,800 ns (2.1 GHz EPYC), and a copy of the
 * topology into a mapping of its own would hold it twice.
 *
 * A view over memory that is gone crashes the process: nothing here may be used once the topology is closed.
 */
export class Memory {
  readonly #whole: Window | undefined;
  readonly #wholeBytes: number;
  readonly #windows = new Map<number, Window>();

  constructor(mapping?: { readonly address: number; readonly length: number }) {
    this.#wholeBytes = mapping?.length ?? 0;
    if (mapping) this.#whole = window(mapping.address, mapping.length, 0);
  }

  /** The window in which an address lies, with at least 512 bytes behind it (or all that the mapping has). */
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

/** The number of the slot at an offset in a window: small, hence no garbage as a key, unlike an address. */
export function slotOf(window: Window, at: number): number {
  return window.firstSlot + at / slotBytes;
}

/** An unsigned 64-bit number or a pointer, exact to 2^53. (getBigUint64 takes twenty times as long and leaves garbage.) */
export function readUint64(view: DataView, at: number): number {
  const first = view.getUint32(at, littleEndian);
  const second = view.getUint32(at + 4, littleEndian);
  return littleEndian ? first + second * 0x1_0000_0000 : second + first * 0x1_0000_0000;
}

/** An unsigned 16-bit or 32-bit number. */
export function readUint(view: DataView, at: number, bytes: 2 | 4): number {
  return bytes === 2 ? view.getUint16(at, littleEndian) : view.getUint32(at, littleEndian);
}
