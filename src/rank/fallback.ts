// The fallback of a rank that cannot adopt: it takes the leader's XML, or discovers the machine. Also the
// barrier of a rank that cannot reach the other ranks.

import { closeSync, readFileSync } from 'node:fs';
import { openFile } from '../channel/index.js';
import type { Settings } from '../environment/index.js';
import { type LoadOptions, type Topology, loadTopology, loadWithin } from '../hwloc/index.js';
import type { Context } from './context.js';

import { BarrierError, NotSharedError } from './errors.js';
import { messageOf } from '../errors/index.js';
import type { Outcome, PrivateOutcome } from './outcome.js';

/** A private topology, and its outcome with the reason. */
export interface Private {
  readonly topology: Topology;
  readonly outcome: Outcome;
}

/** The XML that a leader wrote for ranks that cannot adopt. */
export interface LeadersXml {
  readonly file: string;
  /** Whether it describes this machine, so that binding to its objects makes sense. */
  readonly thisSystem: boolean;
}

/**
 * Gets a private topology for this rank, and says so on stderr.
 *
 * @param reason  Why the rank could not adopt.
 * @throws NotSharedError  if there is no fallback (`strict`).
 */
export async function takeFallback(context: Context, reason: string, xml?: LeadersXml): Promise<Private> {
  if (context.settings.strict) throw new NotSharedError(reason);
  let why = reason;
  if (xml !== undefined) {
    try {
      const topology = await importXml(xml);
      context.clock.mark('xml');
      context.notice(`${reason}; using a private copy of the leader's topology`);
      return { topology, outcome: privateOutcome('xml', reason, context) };
    } catch (error) {
      why = `${reason}, and the leader's XML could not be used: ${messageOf(error)}`;
    }
  }
  const topology = await discover(context);
  context.clock.mark('load');
  context.notice(`${why}; discovered the machine on its own`);
  return { topology, outcome: privateOutcome('discovered', why, context) };
}

/** The outcome of a rank with a private topology. */
export function privateOutcome(
  how: 'xml' | 'discovered',
  reason: string,
  context: Pick<Context, 'clock'>,
): PrivateOutcome {
  return {
    how,
    reason,
    address: undefined,
    length: undefined,
    generation: 0,
    didDiscover: how === 'discovered',
    kept: undefined,
    phases: context.clock.phases,
  };
}

async function importXml({ file, thisSystem }: LeadersXml): Promise<Topology> {
  const fd = openFile(file);
  let xml: string;
  try {
    xml = readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
  // The leader has already filtered the I/O objects. Keep all that are left.
  return loadTopology({ source: { xml }, io: 'all', isThisSystem: thisSystem });
}

/** The part of a join that a discovery needs. */
export interface Discovering {
  readonly settings: Pick<Settings, 'io' | 'timeout'>;
  readonly notice: (text: string) => void;
}

/**
 * Discovers the machine, or what hwloc's environment variables name instead. If that takes longer than the
 * timeout, discovers again without hwloc's plugins.
 *
 * @throws HwlocError  `ETIMEDOUT`: the second discovery did not end either, within some minutes.
 */
export function discover({ settings, notice }: Discovering, options: LoadOptions = {}): Promise<Topology> {
  return loadWithin({ io: settings.io, ...options }, { seconds: settings.timeout }, notice);
}

/**
 * Makes the barrier of a rank that cannot reach the other ranks of its node. The rank passes it at once; the
 * first time, a line on stderr says so.
 *
 * @returns the barrier: its argument `why` says what happened to the other ranks. It resolves to false, since
 *   they did not take part.
 * @throws BarrierError  with `strict`.
 */
export function loneBarrier({
  settings,
  notice,
}: Pick<Context, 'settings' | 'notice'>): (why: string) => boolean {
  let hasTold = false;
  return (why) => {
    if (settings.strict) throw new BarrierError(why);
    if (!hasTold) notice(`this barrier is passed without the other ranks of this node: ${why}`);
    hasTold = true;
    return false;
  };
}
