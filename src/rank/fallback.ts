// The fallback: what a rank does that cannot adopt (it takes the leader's XML, else it discovers the machine), and its barrier if it cannot
// reach the others.

import { closeSync, readFileSync } from 'node:fs';
import { openFile } from '../channel/index.js';
import type { Settings } from '../environment/index.js';
import { type LoadOptions, type Topology, loadTopology, loadWithin } from '../hwloc/index.js';
import type { Context } from './context.js';

import { BarrierError, NotSharedError } from './errors.js';
import { messageOf } from '../errors/index.js';
import type { Outcome, PrivateOutcome } from './outcome.js';

/** A private topology, and the outcome that says why. */
export interface Private {
  readonly topology: Topology;
  readonly outcome: Outcome;
}

/** The XML that a leader wrote for ranks that cannot adopt. */
export interface LeadersXml {
  readonly file: string;
  /** Whether it describes the machine that we run on, so that binding to its objects means something. */
  readonly thisSystem: boolean;
}

/**
 * Gets a rank a topology of its own, and says so on stderr.
 *
 * @param reason  Why it could not adopt.
 * @throws NotSharedError  if the fallback is turned off.
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

/** The outcome of a rank that has a topology of its own. */
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
  // The leader filtered its I/O objects already; what it kept is kept.
  return loadTopology({ source: { xml }, io: 'all', isThisSystem: thisSystem });
}

/** What a discovery needs to know of a join. */
export interface Discovering {
  readonly settings: Pick<Settings, 'io' | 'timeout'>;
  readonly notice: (text: string) => void;
}

/**
 * Discovers the machine, or what hwloc's environment variables name instead, within the timeout, else without hwloc's plugins.
 *
 * @throws HwlocError  `ETIMEDOUT`: not even that ended, within some minutes.
 */
export function discover({ settings, notice }: Discovering, options: LoadOptions = {}): Promise<Topology> {
  return loadWithin({ io: settings.io, ...options }, { seconds: settings.timeout }, notice);
}

/**
 * Makes the barrier of a rank that cannot reach the others of its node: it passes, and says so once.
 *
 * @returns what passes it: `why` is what happened to the others. Resolves to false, since they did not take part.
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
