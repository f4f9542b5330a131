// The time, for phases and patience.

/**
 * Milliseconds on a clock that only goes forward, and is the same in all processes of a node (CLOCK_MONOTONIC).
 *
 * Not performance.now(): its first use in a process loads perf_hooks, for more than a millisecond.
 */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
