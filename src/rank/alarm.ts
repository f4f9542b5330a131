// An alarm: one call after some time. Node compiles its timers when the first is set, in thirty functions, for which a rank that just has
// to wait for others would pay a millisecond; the engine has an alarm of its own.

import { now } from './now.js';

/** An alarm that rings so late tells that the process was stopped. In milliseconds. */
const lateMilliseconds = 500;
let lost = 0;

/** {@link now}, without the time in which this process was stopped, or computed: others are not to blame for that. */
export function patientNow(): number {
  return now() - lost;
}

function noteDelay(rings: number): void {
  const late = now() - rings;
  if (late > lateMilliseconds) lost += late;
}

/**
 * Calls `ring` after some time, unless it was called off before. It does not keep the process alive.
 *
 * @returns what calls it off.
 * @see Atomics.waitAsync()
 */
export function alarm(milliseconds: number, ring: () => void): () => void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const until = now() + milliseconds;
  let isOn = true;
  const wait = (time: number) => {
    const waiting = Atomics.waitAsync(cell, 0, 0, time);
    // Nobody changes the cell: it ends by itself, in time, or because it was called off.
    void Promise.resolve(waiting.value).then(() => {
      if (!isOn) return;
      // The engine counts from the last turn of the event loop: where the job has computed since, it ends too early by as long as that.
      const left = until - now();
      if (left > 0) wait(left);
      else {
        noteDelay(until);
        ring();
      }
    });
  };
  wait(milliseconds);
  return () => {
    isOn = false;
    noteDelay(until);
    Atomics.notify(cell, 0);
  };
}
