// How a rank got its topology, and what each phase of it cost.

import { now } from './time.js';

/** `adopted`: mapped, shared. `xml`: a private copy from the leader's XML. `discovered`: a private discovery. */
export type How = 'adopted' | 'xml' | 'discovered';

/** How a rank got its topology: `how` tells which of the two it is. */
export type Outcome = AdoptedOutcome | PrivateOutcome;

/** The rank has mapped the topology that all ranks of its node share. */
export interface AdoptedOutcome extends AnyOutcome {
  /** Mapped, shared. */
  readonly how: 'adopted';
  /** Always undefined: nothing stood in the way. */
  readonly reason: undefined;
  /** Where it is mapped: the same in all ranks of the node. */
  readonly address: number;
  /** Bytes mapped there. */
  readonly length: number;
}

/** The rank has a topology of its own. */
export interface PrivateOutcome extends AnyOutcome {
  /** `xml`: a private copy from the leader's XML. `discovered`: a private discovery. */
  readonly how: 'xml' | 'discovered';
  /** Why it has not adopted. */
  readonly reason: string;
  /** Always undefined. */
  readonly address: undefined;
  /** Always undefined. */
  readonly length: undefined;
}

/** What every outcome has. */
interface AnyOutcome {
  readonly how: How;
  /** How many plans it took: 1 unless an address was taken after all. 0 if there was none. */
  readonly generation: number;
  /** Whether this rank discovered the machine. In the leader of a shared job it is true as well as `adopted`. */
  readonly didDiscover: boolean;
  /**
   * In a leader that did not discover, since an earlier step's topology was kept: when that was discovered, in milliseconds since 1970.
   * Undefined in all others.
   */
  readonly kept: number | undefined;
  /** Milliseconds of each phase, in the order in which they came. */
  readonly phases: Readonly<Record<string, number>>;
}

/** Measures phases: each `mark` ends the phase that it names. */
export class Clock {
  readonly #phases: Record<string, number> = {};
  #last = now();
  readonly #marked: ((phase: string) => void) | undefined;

  /** @param marked  Is told of each mark. */
  constructor(marked?: (phase: string) => void) {
    this.#marked = marked;
  }

  /** Ends a phase. One that comes again adds up. */
  mark(phase: string): void {
    const time = now();
    this.#phases[phase] = (this.#phases[phase] ?? 0) + time - this.#last;
    this.#last = time;
    this.#marked?.(phase);
  }

  get phases(): Readonly<Record<string, number>> {
    return this.#phases;
  }
}
