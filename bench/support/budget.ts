// The time that something may take, and what was left out for want of it.

/** Milliseconds on the clock of performance.now(). */
export class Budget {
  readonly leftOut: string[];
  readonly #end: number;

  /** @param leftOut  Where to note what is left out. */
  constructor(milliseconds: number, leftOut: string[] = []) {
    this.#end = performance.now() + milliseconds;
    this.leftOut = leftOut;
  }

  /** Milliseconds. */
  get left(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /** A part of what is left, for one of several things. */
  part(share: number): Budget {
    return new Budget(this.left * share, this.leftOut);
  }

  leaveOut(what: string): void {
    this.leftOut.push(what);
  }
}
