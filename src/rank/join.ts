// join(): runs once in each process, for all callers.

import { numberedRoots, rootsOf } from '../channel/place/index.js';
import {
  type Settings,
  environment,
  hostName,
  settingsFrom,
  temporaryDirectory,
} from '../environment/index.js';
import { LibhwlocNotFoundError, LibhwlocUnsupportedError, libhwloc } from '../hwloc/index.js';
import { type Identity, identify } from '../launcher/kinds/index.js';
import { type Allowed, ownAllowed, setsOf } from './allowed.js';
import type { Context } from './context.js';
import { type JoinOptions, type Share, checkJoinOptions } from './join-options.js';
import { discover, type Private, privateOutcome, takeFallback, loneBarrier } from './fallback.js';
import { NotSharedError, ShareError } from './errors.js';
import { rankIdentity } from './identity.js';
import { messageOf } from '../errors/index.js';
import { noticeOf } from './stderr.js';
import { takePart, type Taken, leaveToThreads, takeFromThreads } from './join-guard.js';
import { Clock } from './outcome.js';
import { type Joined, rendezvous } from './rendezvous.js';
import type { Recorder } from './report/recorder.js';
import type { Session } from './session.js';

/** The identity of a process, and what it has joined. */
interface Membership {
  readonly identity: Identity | undefined;
  readonly allowed: Allowed;
  readonly joined: Joined;
}

/** The one join of a process, shared by all callers of join(). */
interface Shared {
  readonly joining: Promise<Membership>;
  users: number;
}

const alreadyJoined = 'this rank has joined before, in this or another thread, or its parent process has';

// Global, since a process may load two copies of this package, but can adopt a mapping only once (hwloc#449).
const registry = globalThis as Record<symbol, Shared | undefined>;
const here = Symbol.for('hwloc-share.joined.1');

/**
 * Joins the other ranks of this node, and resolves when this rank has a topology.
 *
 * All ranks of a node should call it at about the same time. A second call in the same process, also from another module or
 * another thread, gets the same topology and ignores its options.
 *
 * @throws InvalidArgumentError      join() does not accept an option.
 * @throws NotSharedError            the topology could not be shared, and `strict` is set.
 * @throws ShareError                the value of `share` cannot be shared, or its function threw.
 * @throws LibhwlocNotFoundError     no libhwloc was found.
 * @throws LibhwlocUnsupportedError  the libhwloc that was found is too old or too new.
 * @throws HwlocError                libhwloc could not discover the machine.
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
  if (share !== undefined && typeof share !== 'function') (await import('./data/make.js')).checked(share);
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

/**
 * The session of a thread that is not the rank: another thread of this process is, and this one shares its
 * topology.
 */
async function asThread(taken: Taken, settings: Settings, share: Share | undefined): Promise<Membership> {
  const identity = identityOrNot(() => undefined);
  const why = 'only the thread of this process that joined first takes part in barriers';
  const pass = loneBarrier({ settings, notice: noticeOf(identity) });
  const barrier = () => Promise.resolve().then(() => pass(why));
  const joined = await withOwnShare({ ...taken, barrier, leave: () => undefined }, share);
  return { identity, allowed: ownAllowed(), joined };
}

/** Loads the code for reports only if the job has a report. */
async function recorderFor(spool: string): Promise<Recorder | undefined> {
  try {
    const { Recorder } = await import('./report/recorder.js');
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
  const launched = identityOrNot(complain);
  const notice = noticeOf(launched);
  // An invalid variable is usually the same in all ranks of a node, so one rank reports it.
  if ((launched?.localRank ?? 0) === 0) settings.complaints.forEach(complain);
  const allowed = ownAllowed();
  const identity = rankIdentity(launched, settings.job, settings.launcher);
  recorder?.come(launched);
  if (typeof identity === 'string') {
    if (settings.strict && launched !== undefined) throw new NotSharedError(identity);
    findLibrary(settings, notice, launched ?? {});
    const topology = await discover({ settings, notice });
    clock.mark('load');
    const joined = alone({ topology, outcome: privateOutcome('discovered', identity, { clock }) });
    return { identity: launched, allowed, joined: await withOwnShare(joined, share) };
  }
  const temporary = temporaryDirectory(env);
  const joined = await joinAs({
    identity,
    settings,
    env,
    roots: rootsOf(settings.directory, env.XDG_RUNTIME_DIR, temporary),
    numberedRoots: numberedRoots(settings.directory, env.XDG_RUNTIME_DIR, temporary),
    clock,
    allowed,
    share,
    notice,
    recorder,
  });
  return { identity: launched, allowed, joined: await withOwnShare(joined, share) };
}

/** A rank that did not get the leader's data uses its own. */
async function withOwnShare(joined: Joined, share: Share | undefined): Promise<Joined> {
  if (share === undefined || joined.shared !== undefined) return joined;
  try {
    const [{ piecesOf }, { named }] = await Promise.all([import('./data/make.js'), import('./data/open.js')]);
    return { ...joined, shared: named(await piecesOf(share)) };
  } catch (error) {
    joined.leave();
    joined.topology.close();
    throw error;
  }
}

async function joinAs(context: Context): Promise<Joined> {
  const { identity, settings, notice } = context;
  // Done before the other ranks can see this rank: from then on they wait for its lines.
  findLibrary(settings, notice, identity);
  if (!takePart(`${identity.key}/${identity.localRank}`)) {
    // This is a child that inherited its rank's variables, or the rank itself after its close(). The other
    // ranks will not come again.
    return alone(await takeFallback(context, alreadyJoined));
  }
  try {
    return await rendezvous(context);
  } catch (error) {
    if (isJobsOwn(error)) throw error;
    // Whatever went wrong, this rank may still get a private topology.
    return alone(await takeFallback(context, messageOf(error)));
  }
}

/** Whether an error comes from the job itself: another topology would not help. */
function isJobsOwn(error: unknown): boolean {
  return (
    error instanceof NotSharedError ||
    error instanceof ShareError ||
    error instanceof LibhwlocNotFoundError ||
    error instanceof LibhwlocUnsupportedError
  );
}

/** The result of a rank that meets no other ranks. */
function alone(own: Private): Joined {
  return { ...own, barrier: () => Promise.resolve(false), leave: () => undefined };
}

/** @throws LibhwlocNotFoundError, LibhwlocUnsupportedError */
function findLibrary(
  { libhwloc: asked }: Settings,
  notice: (text: string) => void,
  { localRank = 0 }: Partial<Pick<Identity, 'localRank'>>,
): void {
  const { file } = libhwloc(asked);
  // As for other variables, one rank of a node reports it.
  if (asked !== undefined && file !== asked && localRank === 0) {
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
    strict: options.strict ?? settings.strict,
    io: options.io ?? settings.io,
    hole: options.hole ?? settings.hole,
  };
}

/** The identity of a process that no launcher started. */
function solitary(): Pick<Identity, 'rank' | 'size' | 'localRank' | 'localSize' | 'node'> {
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
  let sets: Session['allowed'] | undefined;
  const { rank, size, localRank, localSize, node } = identity ?? solitary();
  return {
    rank,
    size,
    localRank,
    localSize,
    node,
    topology: joined.topology,
    get allowed() {
      return (sets ??= setsOf(allowed));
    },
    shared: joined.shared ?? nothingShared,
    outcome: joined.outcome,
    barrier: () => joined.barrier(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
