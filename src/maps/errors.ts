// The errors of this folder: no hole for the file, and text that is not the kernel's maps format.
import { HwlocShareError } from '../errors/index.js';
import { formatAddress } from './hex.js';
import type { Range } from './ranges.js';

/**
 * No address is suitable. The message is one line: the length asked for, the policy, the reason, and the
 * biggest hole found.
 */
export class NoHoleError extends HwlocShareError {
  override readonly name = 'NoHoleError';
  /** Bytes asked for. */
  readonly length: number;
  /**
   * The biggest hole in the part of the address space that the policy considers; undefined if that part is
   * completely occupied.
   */
  readonly biggest: Range | undefined;

  constructor(length: number, policy: string, why: string, biggest: Range | undefined) {
    const found =
      biggest === undefined
        ? 'no hole was found at all'
        : `the biggest hole found is ${formatAddress(biggest.start)}+${formatAddress(biggest.end - biggest.start)}`;
    const reason = `no address for ${formatAddress(length)} bytes (policy ${policy}): ${why}; ${found}`;
    super('HWLOC_SHARE_NO_HOLE', { reason });
    this.length = length;
    this.biggest = biggest;
  }
}

/** A line is not in the format of /proc/<pid>/maps. The message quotes its beginning. */
export class MapsFormatError extends HwlocShareError {
  override readonly name = 'MapsFormatError';
  /** Number of the line, from 1. */
  readonly line: number;

  constructor(line: number, text: string) {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    // Quoted as JSON, so that a control character in it cannot break the line of the message.
    const reason = `line ${line} is not in the format of /proc/<pid>/maps: ${JSON.stringify(shown)}`;
    super('HWLOC_SHARE_MAPS_FORMAT', { reason });
    this.line = line;
  }
}
