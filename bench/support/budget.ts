// The time that the benchmark may take, and what was left out for want of it.

export class Budget {
  readonly leftOut: string[] = [];
  readonly #end: number;

  constructor(minutes: number) {
    this.#end = performance.now() + minutes * 60_000;
  }

  /** Milliseconds. */
  get left(): number {
    return Math.max(0, this.#end - performance.now());
  }

  leaveOut(what: string): void {
    this.leftOut.push(what);
  }
}
