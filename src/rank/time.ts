// The time, for phases and patience, and an alarm: a call at a moment. Node compiles its timers when the first is set, in thirty functions,
// for which a rank that just has to wait for others would pay a millisecond; the engine has an alarm of its own.

/**
 * Milliseconds on a clock that only goes forward, and is the same in all processes of a node (CLOCK_MONOTONIC).
 *
 * Not performance.now(): its first use in a process loads perf_hooks, for more than a millisecond.
 */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** An alarm that rings so late tells that the process was stopped. In milliseconds. */
const lateMilliseconds = 500;
let lost = 0;

/** {@link now}, without the time in which this process was stopped, or computed: others are not to blame for that. */
export function patientNow(): number {
  return now() - lost;
}

/** An alarm that can be set again and again. */
export interface Alarm {
  /** Rings at a moment of {@link patientNow}, in place of what was set before. */
  set(moment: number): void;
  /** It does not ring until it is set again. */
  off(): void;
}

/**
 * An alarm that calls `ring`. It does not keep the process alive.
 *
 * Setting it for later, or off, leaves the engine's wait as it is: where that ends too early, it begins again.
 *
 * @see Atomics.waitAsync()
 */
export function alarm(ring: () => void): Alarm {
  // Nobody changes the cell: a wait for it ends in time, or because it is to be shorter.
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
      // The engine counts from the last turn of the event loop: where the job has computed since, it ends too early by as long as that.
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
