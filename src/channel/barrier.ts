// The barrier, as the leader keeps it: who has come, who is gone, and when it opens.

/**
 * Counts arrivals at a series of barriers.
 *
 * A barrier opens when everybody who takes part and has not left is there. One that leaves (or dies) is not waited for
 * any more. Barriers are numbered from 1; nobody can be at the next before this one has opened.
 */
export class Barrier {
  readonly #takingPart: Set<number>;
  readonly #arrived = new Set<number>();
  readonly #opened: (number: number) => void;
  #number = 1;

  /**
   * @param ranks   Who takes part.
   * @param opened  Called when a barrier opens, with its number.
   */
  constructor(ranks: Iterable<number>, opened: (number: number) => void) {
    this.#takingPart = new Set(ranks);
    this.#opened = opened;
  }

  /** A rank is there. @returns false if it takes no part, or is at another barrier than the current one. */
  arrive(rank: number, number: number): boolean {
    if (!this.#takingPart.has(rank) || number !== this.#number) return false;
    this.#arrived.add(rank);
    this.#openIfComplete();
    return true;
  }

  /** A rank is gone, and is not waited for. */
  leave(rank: number): void {
    this.#takingPart.delete(rank);
    this.#arrived.delete(rank);
    this.#openIfComplete();
  }

  #openIfComplete(): void {
    if (this.#arrived.size === 0 || this.#arrived.size < this.#takingPart.size) return;
    const number = this.#number++;
    this.#arrived.clear();
    this.#opened(number);
  }
}
