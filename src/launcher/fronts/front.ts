// What a launcher's front is.

import type { Launch } from '../kinds/index.js';

/** How to have each rank's program started by another one, under one kind of launcher. */
export interface Front {
  /**
   * Puts a command in front of each rank's program, which it gets as its arguments.
   *
   * @returns undefined where that would go wrong, or cannot be known to go right.
   */
  put(launch: Launch, front: readonly string[]): Launch | undefined;
  /** Whether the launcher itself, on the node where it is started, wants to know the machine from hwloc. */
  readonly usesHwloc?: true;
}
