// What the state machines of a rank talk in: what one asks of the process that it runs in, and what comes of it. Nothing here does anything.
// A machine is a pure function of its state, the last answer and the time; the process performs one step after another (perform.ts).

import type { Plan, Round, Xml } from '../../channel/index.js';

/** One step: a system call, or a few that nobody else can see the middle of. In brackets: the answer, if it is not `done`. */
export type Ask =
  /** Read the line that the leader published last [`round`]. */
  | { readonly ask: 'read' }
  /** Write a line into the lobby. */
  | { readonly ask: 'say'; readonly say: Saying; readonly round: number }
  /** Open a gate to wait at, in place of the one that is open. If it has gone, the next `wait` ends at once. */
  | { readonly ask: 'open'; readonly gate: number }
  /** Find out whether a rank leads, whether local rank 0 is there, and since when the leader has been silent [`led`]. */
  | { readonly ask: 'led' }
  /** Try to lock the leader's byte [`yes` or `no`]. */
  | { readonly ask: 'lead' }
  /** Wait for the end of the gate, until a moment at most [`end` or `time`]. */
  | { readonly ask: 'wait'; readonly until: number }
  /** Reserve the range of a plan, in place of an earlier one [or `busy`, `refused`]. */
  | { readonly ask: 'reserve'; readonly plan: Plan }
  /** Adopt the topology of a plan that was released [or `refused`]. */
  | { readonly ask: 'adopt'; readonly plan: Plan }
  /** Get a private topology: from the leader's XML if there is one, else by a discovery [`got`]. */
  | { readonly ask: 'fallback'; readonly reason: string; readonly xml: Xml | undefined }
  /** Hold the writing end of a gate, which is made if it is not there. */
  | { readonly ask: 'hold'; readonly gate: number }
  /** Replace the line of the channel. */
  | { readonly ask: 'publish'; readonly round: Round }
  /** Close a gate that is held, and remove its name. */
  | { readonly ask: 'close'; readonly gate: number }
  /** Start to load the topology. Its end comes with a later `heard`. */
  | { readonly ask: 'load' }
  /** Wait for lines in the lobby, the end of loading, or a barrier of our own, until a moment at most [`heard`]. */
  | { readonly ask: 'hear'; readonly until: number }
  /** Find out which bytes of other ranks are locked: of these, or all [`there`]. */
  | { readonly ask: 'look'; readonly among: readonly number[] | undefined }
  /** Choose an address that is free in all ranks [`plan` or `refused`]. */
  | { readonly ask: 'choose'; readonly number: number }
  /** Write the topology for a plan, and reserve its range [or `busy`: another plan may do; or `refused`]. */
  | { readonly ask: 'write'; readonly plan: Plan }
  /** Write the topology as XML [`xml`]. */
  | { readonly ask: 'xml' }
  /** Remove the file of a plan. */
  | { readonly ask: 'discard'; readonly plan: number }
  /** The join is over for this leader; `reason`: why it has not adopted. */
  | { readonly ask: 'joined'; readonly reason: string | undefined }
  /** The barrier is open. */
  | { readonly ask: 'opened'; readonly all: boolean }
  /** The end of a member's machine. */
  | { readonly ask: 'end'; readonly end: End };

/** What a rank says, without what only its process knows (its ranges, its ABI). */
export type Saying =
  | { readonly verb: 'hello' | 'reserved' | 'busy' }
  | { readonly verb: 'declined'; readonly reason: string; readonly wantsXml: boolean }
  | { readonly verb: 'failed'; readonly reason: string }
  | { readonly verb: 'done'; readonly how: string }
  | { readonly verb: 'barrier'; readonly number: number };

/** What a leader hears, once it has come in full. */
export type Heard = Saying & { readonly local: number; readonly round: number };

/** How a member's machine ends. */
export type End =
  /** It adopted, or took the fallback; the rank takes part in barriers. */
  | { readonly kind: 'joined' }
  /** It leads now. */
  | { readonly kind: 'leads' }
  /** Its barrier has opened. `all`: every rank of the node took part. */
  | { readonly kind: 'passed'; readonly all: boolean }
  /** It cannot meet the others at its barrier. `passed`: how many they have passed. */
  | { readonly kind: 'alone'; readonly reason: string; readonly passed: number };

/** What comes of a step. */
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

/** What stays the same for a rank throughout its join. Times are in milliseconds. */
export interface Rules {
  /** The number of its byte. */
  readonly local: number;
  /** Another process has its byte: it looks on and adopts, and says nothing. */
  readonly isVisitor: boolean;
  /** Local rank 0, or a rank whose launcher tells no local rank: it tries to lead as soon as it arrives. */
  readonly leadsAtOnce: boolean;
  /** How many ranks the launcher told of on this node, this one included. */
  readonly expected: number | undefined;
  /** How many there may be at most: as many as in the job. */
  readonly most: number | undefined;
  /** When it arrived. */
  readonly arrived: number;
  /** How long it took from its start to its join, or a second, whichever is longer; the timeout at most. */
  readonly patience: number;
  /** HWLOC_SHARE_TIMEOUT. */
  readonly timeout: number;
  /** As the leader, it keeps the name of the topology's file: programs that ranks start are told of it. */
  readonly keepsFile: boolean;
  readonly pace: Pace;
}

/**
 * When a while is over that began at `since`, at the earliest. How long it is costs a rank a look at its own start: that is put off until
 * it may matter.
 *
 * @param atLeast  A while may have to be longer than the patience of this rank.
 */
export function endOfWhile(rules: Rules, since: number, now: number, atLeast = 0): number {
  const { pace, timeout } = rules;
  const first = since + Math.min(pace.tick, timeout);
  return now < first ? first : since + Math.min(Math.max(rules.patience, atLeast), timeout);
}

/** How often a rank that waits looks whether the others are still there. In milliseconds. */
export interface Pace {
  /** A member: its leader's lock, for a gate that the leader never held does not end. */
  readonly tick: number;
  /** A member's first pause after an election that another rank has won. */
  readonly shortPause: number;
  /** A leader: the locks of those it waits for; first, and then again and again. */
  readonly firstLook: number;
  readonly nextLook: number;
  /** A member: how long it tries to write into a lobby that is full, before it looks whether somebody leads. */
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

/** A machine's state, and what it asks for next. */
export interface Next<State> {
  readonly state: State;
  readonly ask: Ask;
}
