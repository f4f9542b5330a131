// The types by which the state machines of a rank talk to the process: requests and answers. A machine is a
// pure function of its state, the last answer and the time. The process performs one step after another
// (perform.ts).

import type { Plan, Round, Xml } from '../../channel/index.js';

/**
 * One step: a system call, or a few that look like one to other ranks. In brackets: the answer, if it is not
 * `done`.
 */
export type Ask =
  /** Read the line that the leader published last [`round`]. */
  | { readonly ask: 'read' }
  /** Write a line into the lobby. */
  | { readonly ask: 'say'; readonly say: Saying; readonly round: number }
  /**
   * Open a gate to wait at, and close the previous one. If the gate no longer exists, the next `wait` ends at
   * once.
   */
  | { readonly ask: 'open'; readonly gate: number }
  /** Find out whether a rank leads, whether local rank 0 is there, and since when the leader has been silent [`led`]. */
  | { readonly ask: 'led' }
  /** Try to lock the leader's byte [`yes` or `no`]. */
  | { readonly ask: 'lead' }
  /** Wait for the end of the gate, at most until a moment [`end` or `time`]. */
  | { readonly ask: 'wait'; readonly until: number }
  /** Reserve the range of a plan, and drop an earlier reservation [or `busy`, `refused`]. */
  | { readonly ask: 'reserve'; readonly plan: Plan }
  /** Adopt the topology of a plan that was released [or `refused`]. */
  | { readonly ask: 'adopt'; readonly plan: Plan }
  /** Get a private topology: from the leader's XML if there is one, otherwise by a discovery [`got`]. */
  | { readonly ask: 'fallback'; readonly reason: string; readonly xml: Xml | undefined }
  /** Hold the writing end of a gate. Make the gate if it does not exist. */
  | { readonly ask: 'hold'; readonly gate: number }
  /** Replace the published line of the channel. */
  | { readonly ask: 'publish'; readonly round: Round }
  /** Close a gate that is held, and remove its name. */
  | { readonly ask: 'close'; readonly gate: number }
  /** Start to load the topology. Its end comes with a later `heard`. */
  | { readonly ask: 'load' }
  /**
   * Wait for lines in the lobby, the end of loading, or a barrier of this rank, at most until a moment
   * [`heard`].
   */
  | { readonly ask: 'hear'; readonly until: number }
  /** Find out which bytes of other ranks are locked: among some, or among all [`there`]. */
  | { readonly ask: 'look'; readonly among: readonly number[] | undefined }
  /** Choose an address that is free in all ranks [`plan` or `refused`]. */
  | { readonly ask: 'choose'; readonly number: number }
  /** Write the topology for a plan, and reserve its range [or `busy`: try another plan; or `refused`]. */
  | { readonly ask: 'write'; readonly plan: Plan }
  /** Write the topology as XML [`xml`]. */
  | { readonly ask: 'xml' }
  /** Remove the file of a plan. */
  | { readonly ask: 'discard'; readonly plan: number }
  /** The join of this leader is over; `reason`: why it has not adopted. */
  | { readonly ask: 'joined'; readonly reason: string | undefined }
  /** The barrier is open. */
  | { readonly ask: 'opened'; readonly all: boolean }
  /** The end of a member's machine. */
  | { readonly ask: 'end'; readonly end: End };

/** A message of a rank, without the facts that only its process knows (its ranges, its ABI). */
export type Saying =
  | { readonly verb: 'hello' | 'reserved' | 'busy' }
  | { readonly verb: 'declined'; readonly reason: string; readonly wantsXml: boolean }
  | { readonly verb: 'failed'; readonly reason: string }
  | { readonly verb: 'done'; readonly how: string }
  | { readonly verb: 'barrier'; readonly number: number };

/** A complete message that a leader has received. */
export type Heard = Saying & { readonly local: number; readonly round: number };

/** How a member's machine ends. */
export type End =
  /** The rank has adopted, or taken the fallback; it takes part in barriers. */
  | { readonly kind: 'joined' }
  /** The rank leads now. */
  | { readonly kind: 'leads' }
  /** Its barrier has opened. `all`: every rank of the node took part. */
  | { readonly kind: 'passed'; readonly all: boolean }
  /** The rank cannot meet the other ranks at its barrier. `passed`: how many barriers they have passed. */
  | { readonly kind: 'alone'; readonly reason: string; readonly passed: number };

/** The result of a step. */
export type Answer =
  | { readonly is: 'done' | 'yes' | 'no' | 'end' | 'time' | 'busy' }
  | { readonly is: 'refused'; readonly reason: string; readonly wantsXml?: boolean }
  | { readonly is: 'round'; readonly round: Round | undefined }
  | { readonly is: 'led'; readonly led: boolean; readonly zero: boolean; readonly silent: number }
  | { readonly is: 'got'; readonly how: string }
  | {
      readonly is: 'heard';
      readonly lines: readonly Heard[];
      readonly loading?: Loading;
      readonly barrier?: number;
    }
  | { readonly is: 'there'; readonly ranks: readonly number[] }
  | { readonly is: 'plan'; readonly plan: Plan }
  | { readonly is: 'xml'; readonly xml: Xml | undefined };

/** How loading the topology ended. */
export type Loading = { readonly failed: undefined } | { readonly failed: string };

/** The constants of a rank's join. Times are in milliseconds. */
export interface Rules {
  /** The number of its byte. */
  readonly local: number;
  /** Whether another process has this rank's byte: then this rank only reads and adopts, and says nothing. */
  readonly isVisitor: boolean;
  /**
   * Whether it tries to lead as soon as it arrives: local rank 0, or a rank whose launcher tells no local
   * rank.
   */
  readonly leadsAtOnce: boolean;
  /** How many ranks the launcher told of on this node, this one included. */
  readonly expected: number | undefined;
  /** How many there can be at most: the size of the job. */
  readonly most: number | undefined;
  /** When this rank arrived. */
  readonly arrived: number;
  /** The time from this rank's start to its join, but at least a second, and at most the timeout. */
  readonly patience: number;
  /** HWLOC_SHARE_TIMEOUT. */
  readonly timeout: number;
  /** Whether a leader keeps the name of the topology's file, for programs that ranks start. */
  readonly keepsFile: boolean;
  readonly pace: Pace;
}

/**
 * The earliest end of a wait that began at `since`. Its length is this rank's patience, which takes some time
 * to compute. So this is put off until it may matter.
 *
 * @param atLeast  The wait may have to be longer than the patience of this rank.
 */
export function endOfWhile(rules: Rules, since: number, now: number, atLeast = 0): number {
  const { pace, timeout } = rules;
  const first = since + Math.min(pace.tick, timeout);
  return now < first ? first : since + Math.min(Math.max(rules.patience, atLeast), timeout);
}

/** How often a waiting rank checks whether the other ranks are still there. In milliseconds. */
export interface Pace {
  /** A member checks its leader's lock: a gate that the leader never held does not end. */
  readonly tick: number;
  /** A member's first pause after an election that another rank has won. */
  readonly shortPause: number;
  /** A leader checks the locks of the ranks that it waits for: first, and then again and again. */
  readonly firstLook: number;
  readonly nextLook: number;
  /** How long a member tries to write into a full lobby before it checks whether a rank leads. */
  readonly fullLobby: number;
  /** How long the leader may take to write XML for a rank that could not adopt. */
  readonly xmlPatience: number;
}

export const pace: Pace = {
  tick: 250,
  shortPause: 10,
  firstLook: 20,
  nextLook: 100,
  fullLobby: 1000,
  xmlPatience: 1000,
};

/** A machine's state, and its next request. */
export interface Next<State> {
  readonly state: State;
  readonly ask: Ask;
}
