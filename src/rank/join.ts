// Joining: once per process, whoever asks and however often.

import { isThere } from '../channel/index.js';
import { rootsOf } from '../channel/place/index.js';
import {
  type Settings,
  environment,
  hostName,
  settingsFrom,
  temporaryDirectory,
} from '../environment/index.js';
import { libhwloc } from '../hwloc/index.js';
import { type Identity, identify } from '../launcher/kinds/index.js';
import { type Allowed, ownAllowed } from './allowed.js';
import { arrive } from './arrive.js';
import type { Context, JoinOptions, Joined, Share } from './context.js';
import { discover } from './discover.js';
import { NotSharedError, ShareError } from './errors.js';
import { follow, outside } from './follow.js';
import { checkJoinOptions } from './join-options.js';
import { privately, takeLadder } from './ladder.js';
import { lead } from './lead.js';
import { loneBarrier } from './lone-barrier.js';
import { messageOf, noticeOf } from './notice.js';
import { now } from './now.js';
import { takePart } from './once.js';
import { Clock } from './outcome.js';
import { placeOf } from './placed.js';
import { reach } from './points.js';
import type { Recorder } from './recorder.js';
import type { Session } from './session.js';
import { type Taken, leaveToThreads, takeFromThreads } from './threads.js';

/** Who a process is, and what it has joined. */
interface Membership {
  readonly identity: Identity | undefined;
  readonly allowed: Allowed;
  readonly joined: Joined;
}

/** One process's part in its job, shared by all who call join() in it. */
interface Shared {
  readonly joining: Promise<Membership>;
  users: number;
}

const alreadyJoined = 'this rank has joined before, in this or another thread, or its parent process has';

// A mapping can be adopted only once per process (hwloc#449), and a process may hold two copies of this package.
const registry = globalThis as Record<symbol, Shared | undefined>;
const here = Symbol.for('hwloc-share.joined.1');

/**
 * Joins the job that this process is a rank of, and resolves when the topology is there.
 *
 * All ranks of a node should call it at about the same time. A second call in the same process, from this or another
 * module, gets the same topology; its options are not looked at. So do other threads of the process.
 *
 * @throws InvalidArgumentError      an option is not what join() accepts.
 * @throws NotSharedError            the topology could not be shared, and `onFailure` is `throw`.
 * @throws ShareError                what `share` holds cannot be shared, or the function threw that makes it.
 * @throws LibhwlocNotFoundError     there is no libhwloc to be used at all.
 * @throws LibhwlocUnsupportedError  nor one of a version that is supported.
 * @throws HwlocError                the machine could not be discovered.
 */
export async function join(options: JoinOptions = {}): Promise<Session> {
  checkJoinOptions(options);
  const shared = (registry[here] ??= { joining: joinOnce(options), users: 0 });
  shared.users++;
  try {
    return sessionOf(shared, await shared.joining);
  } catch (error) {
    if (registry[here] === shared) registry[here] = undefined;
    throw error;
  }
}

async function joinOnce(options: JoinOptions): Promise<Membership> {
  const { share } = options;
  if (share !== undefined && typeof share !== 'function') (await import('./share.js')).checked(share);
  const settings = withOptions(settingsFrom(environment()), options);
  const taken = await takeFromThreads(settings);
  if (taken !== undefined) return asThread(taken, settings, share);
  const recorder = settings.spool === undefined ? undefined : await recorderFor(settings.spool);
  try {
    const result = await joinWith(settings, share, recorder);
    recorder?.joined(result.joined.outcome);
    leaveToThreads(result.joined);
    return result;
  } catch (error) {
    recorder?.failed(error);
    leaveToThreads(undefined);
    throw error;
  }
}

/** Another thread of this process is the rank; this one has its topology. */
async function asThread(taken: Taken, settings: Settings, share: Share | undefined): Promise<Membership> {
  const identity = identityOrNot(() => undefined);
  const why = 'only the thread of this process that joined first takes part in barriers';
  const barrier = loneBarrier({ settings, notice: noticeOf(identity) }, why);
  const joined = await withOwnShare({ ...taken, barrier, leave: () => undefined }, share);
  return { identity, allowed: ownAllowed(), joined };
}

/** What a report takes is loaded only where one was asked for. */
async function recorderFor(spool: string): Promise<Recorder | undefined> {
  try {
    const { Recorder } = await import('./recorder.js');
    return new Recorder(spool);
  } catch {
    return undefined; // a job must not fail of it
  }
}

async function joinWith(
  settings: Settings,
  share: Share | undefined,
  recorder: Recorder | undefined,
): Promise<Membership> {
  const clock = new Clock(recorder?.mark);
  const env = environment();
  const complain = noticeOf(undefined);
  settings.complaints.forEach(complain);

  const identity = identityOrNot(complain);
  const notice = noticeOf(identity);
  const allowed = ownAllowed();
  const place = placeOf(identity);
  recorder?.come(typeof place === 'string' ? identity : place);
  if (typeof place === 'string') {
    if (settings.strict && identity !== undefined) throw new NotSharedError(place);
    findLibrary(settings, notice);
    const topology = await discover({ settings, notice });
    clock.mark('load');
    const outcome = privately('discovered', place, { clock });
    const joined = { topology, outcome, barrier: () => Promise.resolve(), leave: () => undefined };
    return { identity, allowed, joined: await withOwnShare(joined, share) };
  }
  const roots = rootsOf(settings.directory, env.XDG_RUNTIME_DIR, temporaryDirectory(env));
  const joined = await joinAs({
    identity: place,
    settings,
    env,
    roots,
    clock,
    since: now(),
    allowed,
    share,
    notice,
    recorder,
  });
  return { identity, allowed, joined: await withOwnShare(joined, share) };
}

/** A rank that has not got a leader's data has its own. */
async function withOwnShare(joined: Joined, share: Share | undefined): Promise<Joined> {
  if (share === undefined || joined.shared !== undefined) return joined;
  try {
    const [{ piecesOf }, { named }] = await Promise.all([import('./share.js'), import('./shared.js')]);
    return { ...joined, shared: named(await piecesOf(share)) };
  } catch (error) {
    joined.leave();
    joined.topology.close();
    throw error;
  }
}

async function joinAs(context: Context): Promise<Joined> {
  const { identity, settings, notice } = context;
  const key = settings.job === undefined ? identity.step : `${settings.job}.${identity.step}`;
  const mark = `${key}/${identity.localRank}`;
  if (!takePart(mark)) {
    // A child that inherited its rank's variables, another thread, or the rank itself after its close(): the others will not come again.
    findLibrary(settings, notice);
    return outside(context, takeLadder(context, alreadyJoined));
  }

  const arrived = arrive(context, key);
  try {
    findLibrary(settings, notice);
  } catch (error) {
    if (!(arrived instanceof Error)) {
      arrived.claim?.release();
      arrived.conversation?.close();
    }
    throw error;
  }
  if (arrived instanceof Error) {
    return outside(context, takeLadder(context, `no channel: ${arrived.message}`));
  }
  const { channel, conversation, claim } = arrived;
  context.clock.mark('channel');
  reach(claim === undefined ? 'member:channel' : 'leader:channel');
  try {
    const joined = claim ?? (await follow(context, channel, conversation));
    return 'release' in joined ? await lead(context, channel, key, joined) : joined;
  } catch (error) {
    if (error instanceof NotSharedError || error instanceof ShareError) throw error;
    // Whatever it is, this rank may still get a topology of its own.
    const gone = !isThere(channel.path);
    return outside(
      context,
      takeLadder(context, gone ? 'the leader has gone, and the channel with it' : messageOf(error)),
    );
  }
}

/** @throws LibhwlocNotFoundError, LibhwlocUnsupportedError */
function findLibrary({ libhwloc: asked }: Settings, notice: (text: string) => void): void {
  const { file } = libhwloc(asked);
  if (asked !== undefined && file !== asked) {
    notice(`HWLOC_SHARE_LIBHWLOC=${asked} could not be loaded; using ${file}`);
  }
}

function identityOrNot(complain: (text: string) => void): Identity | undefined {
  try {
    return identify(environment());
  } catch (error) {
    complain(messageOf(error));
    return undefined;
  }
}

function withOptions(settings: Settings, options: JoinOptions): Settings {
  return {
    ...settings,
    timeout: options.timeout ?? settings.timeout,
    strict: options.onFailure === undefined ? settings.strict : options.onFailure === 'throw',
    io: options.io ?? settings.io,
    hole: options.hole ?? settings.hole,
  };
}

/** The place of a process that no launcher started. */
function alone(): Pick<Identity, 'rank' | 'size' | 'localRank' | 'localSize' | 'node'> {
  return { rank: 0, size: 1, localRank: 0, localSize: 1, node: hostName() };
}

const nothingShared: Session['shared'] = Object.freeze(Object.create(null) as Record<string, never>);

function sessionOf(shared: Shared, { identity, allowed, joined }: Membership): Session {
  let open = true;
  const close = () => {
    if (open && --shared.users === 0) {
      joined.leave();
      joined.topology.close();
      if (registry[here] === shared) registry[here] = undefined;
    }
    open = false;
    return Promise.resolve();
  };
  const { rank, size, localRank, localSize, node } = identity ?? alone();
  return {
    rank,
    size,
    localRank,
    localSize,
    node,
    topology: joined.topology,
    allowed,
    shared: joined.shared ?? nothingShared,
    outcome: joined.outcome,
    barrier: () => joined.barrier(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
