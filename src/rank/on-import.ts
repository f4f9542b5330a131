// Joins on import, for jobs that do nothing else with hwloc-share. The session is always there; a topology
// that could not be had throws the reason at its first use.

import { environment, settingsFrom } from '../environment/index.js';
import type { Topology } from '../hwloc/index.js';
import { join } from './join.js';
import { messageOf } from '../errors/index.js';
import { noticeOf } from './stderr.js';
import type { Session } from './session.js';

/**
 * Joins. With `--import` this runs before programs that may not use a topology at all. So if there is no
 * topology, a line on stderr says so, and only a program that uses the topology fails.
 */
export async function joinOnImport(): Promise<Session> {
  try {
    return await join();
  } catch (error) {
    if (settingsFrom(environment()).strict) throw error;
    noticeOf(undefined)(`no topology: ${messageOf(error)}`);
    return unusable(error);
  }
}

/** The topology of a session, usable or not. */
export function topologyOf(session: Session): Topology {
  try {
    return session.topology;
  } catch (error) {
    return unusable(error);
  }
}

/** Stands for a missing topology: any use throws the reason. */
function unusable(reason: unknown): never {
  const fail = (): never => {
    throw reason instanceof Error ? reason : new Error(String(reason));
  };
  // `await` looks for `then`, to see whether this is a promise. That is no use of the topology.
  const get = (_: object, key: string | symbol) => (key === 'then' ? undefined : fail());
  // `never`, so that it can take the place of any type.
  return new Proxy({}, { get, set: fail, has: fail, ownKeys: fail }) as never;
}
