// How a rank got its topology, and how long each phase took.

import { now } from './time.js';

/** `adopted`: mapped, shared. `xml`: a private copy from the leader's XML. `discovered`: a private discovery. */
export type How = 'adopted' | 'xml' | 'discovered';

/** How a rank got its topology. `how` distinguishes the two kinds. */
export type Outcome = AdoptedOutcome | PrivateOutcome;

/** The rank has mapped the topology that all ranks of its node share. */
export interface AdoptedOutcome extends AnyOutcome {
  /** Mapped, shared. */
  readonly how: 'adopted';
  /** Always undefined. */
  readonly reason: undefined;
  /** The address of the topology: the same in all ranks of the node. */
  readonly address: number;
  /** The length of the mapping, in bytes. */
  readonly length: number;
}

/** The rank has a private topology. */
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

/** The part that all outcomes share. */
interface AnyOutcome {
  readonly how: How;
  /** The number of plans: 1 unless a planned range was occupied in some rank. 0 if there was no plan. */
  readonly generation: number;
  /**
   * Whether this rank discovered the machine. In the leader of a shared job this is true although it has
   * `adopted`.
   */
  readonly didDiscover: boolean;
  /**
   * When the topology was discovered, in milliseconds since 1970, if an earlier step discovered it and it was
   * kept. Only in the leader; undefined in all other ranks.
   */
  readonly kept: number | undefined;
  /** Milliseconds of each phase, in order. */
  readonly phases: Readonly<Record<string, number>>;
}

/** Measures phases: each `mark` ends the phase that it names. */
export class Clock {
  readonly #phases: Record<string, number> = {};
  #last = now();
  readonly #marked: ((phase: string) => void) | undefined;

  /** @param marked  Called with each mark. */
  constructor(marked?: (phase: string) => void) {
    this.#marked = marked;
  }

  /** Ends a phase. If a phase comes again, its times are added. */
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
