// Records a join for the wrapper's report: identity, outcome, and times. Loaded only if the job has a report.

import { hostName } from '../../environment/index.js';
import { abi, libhwloc, versionText } from '../../hwloc/index.js';
import type { Identity } from '../../launcher/kinds/index.js';
import {
  type JoinRecord,
  type Libhwloc,
  type Mark,
  type Member,
  type Outcome as RecordedOutcome,
  type SpoolPart,
  type Who,
  formatRecord,
  openPart,
} from '../../spool/index.js';
import { messageOf } from '../../errors/index.js';
import { now as milliseconds } from '../time.js';
import type { Outcome } from '../outcome.js';
import type { Overview } from '../leader/peers.js';
import { type Point, watchPoints } from './trace-points.js';

/** Longer texts are cut: a reason may quote a line of 8 KB. */
const longestText = 1000;

const hows: readonly RecordedOutcome['how'][] = ['adopted', 'xml', 'discovered'];

/** Records the join of this process. No method throws or waits for the file system. */
export class Recorder {
  readonly #spool: string;
  readonly #came = now();
  readonly #marks: Mark[] = [];
  readonly #points: Mark[] = [];
  readonly #stopWatching = watchPoints((point: Point) => {
    this.#points.push([point, now()]);
  });
  #who: Who | undefined;
  #leading: Overview | undefined;
  /** The node's part of the spool, once it is open. */
  #part: SpoolPart | undefined;
  #opening: Promise<unknown> = Promise.resolve();
  #failure: string | undefined;

  constructor(spool: string) {
    this.#spool = spool;
  }

  /** Notes the end of a phase. */
  readonly mark = (phase: string): void => {
    this.#marks.push([phase, now()]);
  };

  /** Records that this rank has called join(). @param identity  Undefined if no launcher started it. */
  come(identity: Identity | undefined): void {
    const who = whoIs(identity);
    const line = this.#line({ ...who, what: 'come', outcome: null, error: null });
    this.#who = who;
    this.#opening = openPart(this.#spool, who.step).then(
      (part) => {
        part.append(line);
        this.#part = part;
      },
      (error: unknown) => {
        this.#failure = messageOf(error);
      },
    );
  }

  /**
   * Records what the leader sees of the other ranks.
   *
   * @param otherwise  Called with the reason if this node's part of the report cannot be written.
   */
  see(leading: Overview, otherwise: (why: string) => void): void {
    this.#leading = leading;
    void this.#opening.then(() => {
      if (this.#failure !== undefined) otherwise(this.#failure);
    });
  }

  /** Records the outcome of the join. */
  joined(outcome: Outcome): void {
    this.#end({ what: 'joined', outcome: recorded(outcome), error: null });
  }

  /** Records that the join has failed. */
  failed(error: unknown): void {
    this.#end({ what: 'failed', outcome: null, error: cut(messageOf(error)) });
  }

  #end(how: Pick<JoinRecord, 'what' | 'outcome' | 'error'>): void {
    this.#stopWatching();
    if (this.#who === undefined) return;
    const said = { ...this.#who, ...how };
    const line = this.#line(said);
    const write = () => {
      this.#part?.append(line);
      if (this.#leading === undefined) this.#part?.close();
    };
    // At once if possible: a job may exit as soon as it has joined.
    if (this.#part !== undefined) write();
    else void this.#opening.then(write);
    // At exit the leader has heard from the other ranks how they got their topology.
    if (this.#leading !== undefined) process.on('exit', () => this.#part?.append(this.#line(said)));
  }

  #line(said: Who & Pick<JoinRecord, 'what' | 'outcome' | 'error'>): string {
    return formatRecord({
      ...said,
      born: bornAt,
      came: this.#came,
      now: now(),
      wall: Math.round(performance.timeOrigin * 1000),
      marks: this.#marks,
      points: this.#points,
      libhwloc: said.what === 'come' ? null : libhwlocOfThisRank(),
      members: this.#leading === undefined ? null : membersOf(this.#leading),
    });
  }
}

/** The start of this process. */
const bornAt = now() - Math.round(performance.now() * 1000);

/**
 * Microseconds of CLOCK_MONOTONIC, which is the same in all processes of a node. Whole numbers, so that sums
 * are exact.
 */
function now(): number {
  return Math.round(milliseconds() * 1000);
}

function stepOf(identity: Identity | undefined): string {
  if (identity === undefined) return `alone-${process.pid}@${hostName()}`;
  return identity.step ?? `${identity.launcher}@${identity.node}`;
}

function whoIs(identity: Identity | undefined): Who {
  return {
    step: stepOf(identity),
    launcher: identity?.launcher ?? null,
    rank: identity?.rank ?? 0,
    size: identity === undefined ? 1 : (identity.size ?? null),
    localRank: identity?.localRank ?? null,
    localSize: identity?.localSize ?? null,
    node: identity?.node ?? hostName(),
    pid: process.pid,
  };
}

function recorded({
  how,
  reason,
  address,
  length,
  generation,
  didDiscover,
  kept,
  phases,
}: Outcome): RecordedOutcome {
  return {
    how,
    reason: reason === undefined ? null : cut(reason),
    address: address ?? null,
    length: length ?? null,
    generation,
    didDiscover,
    kept: kept ?? null,
    phases,
  };
}

function libhwlocOfThisRank(): Libhwloc | null {
  try {
    const { file, apiVersion } = libhwloc();
    return { file, apiVersion: versionText(apiVersion), abi: abi() };
  } catch {
    return null; // No libhwloc: the join has failed because of that.
  }
}

/** The leader's current knowledge of the other ranks. */
function membersOf(leading: Overview): Member[] {
  const missing = leading.missing();
  const came = leading.peers().filter(({ local }) => !missing.includes(local));
  return [
    ...came.map(({ local, said, how, reason, absence }) => ({
      localRank: local,
      rank: leading.rankOf(local) ?? null,
      standing: absence ?? said ?? 'missing',
      how: hows.find((each) => each === how) ?? null,
      reason: reason === '' ? null : cut(reason),
    })),
    ...missing.map((localRank) => ({ localRank, rank: null, standing: 'missing', how: null, reason: null })),
  ];
}

function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}
