// The time, for phases and patience, and an alarm: a call at a later moment. Node compiles thirty functions
// when it sets its first timer, which takes a rank a millisecond. The engine's own Atomics.waitAsync() needs
// none of them.

/**
 * Milliseconds on a clock that never goes back, and is the same in all processes of a node (CLOCK_MONOTONIC).
 *
 * Not performance.now(): its first use in a process loads perf_hooks, which takes more than a millisecond.
 */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** If an alarm rings this many milliseconds late, the process was stopped. */
const lateMilliseconds = 500;
let lost = 0;

/**
 * {@link now}, without the time in which this process was stopped or busy: the other ranks must not be blamed
 * for that time.
 */
export function patientNow(): number {
  return now() - lost;
}

/** An alarm that can be set any number of times. */
export interface Alarm {
  /** Rings at a moment of {@link patientNow}. Replaces an earlier setting. */
  set(moment: number): void;
  /** Turns the alarm off until it is set again. */
  off(): void;
}

/**
 * An alarm that calls `ring`. It does not keep the process alive.
 *
 * Setting it to a later moment, or turning it off, does not end the engine's wait. If that wait ends too
 * early, another one begins.
 *
 * @see Atomics.waitAsync()
 */
export function alarm(ring: () => void): Alarm {
  // The value of the cell never changes. A wait for it ends in time, or is notified in order to become
  // shorter.
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let due = Infinity;
  let waitsUntil: number | undefined;

  const noteDelay = () => {
    const late = patientNow() - due;
    if (late > lateMilliseconds) lost += late;
  };
  const wait = () => {
    waitsUntil = due;
    const waiting = Atomics.waitAsync(cell, 0, 0, due - patientNow());
    void Promise.resolve(waiting.value).then(() => {
      waitsUntil = undefined;
      if (due === Infinity) return;
      // The engine counts from the last turn of the event loop. If the job has computed since then, the wait
      // ends too early by that time.
      if (patientNow() < due) wait();
      else {
        noteDelay();
        due = Infinity;
        ring();
      }
    });
  };
  return {
    set(moment) {
      due = moment;
      if (waitsUntil === undefined) wait();
      else if (moment < waitsUntil) Atomics.notify(cell, 0);
    },
    off() {
      noteDelay();
      due = Infinity;
    },
  };
}
