// Joining where an import is all that a job does: a session in any case, and a topology that says at its first use why there is none.

import { environment, settingsFrom } from '../environment/index.js';
import type { Topology } from '../hwloc/index.js';
import { join } from './join.js';
import { messageOf } from '../errors/index.js';
import { noticeOf } from './stderr.js';
import type { Session } from './session.js';

/**
 * Joins. With `--import` this runs before jobs that may not look at a topology at all: where there is none to be had, that is
 * said on stderr, and only a job that uses it fails.
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

/** Stands for something that could not be had: any use of it throws the reason. */
function unusable(reason: unknown): never {
  const fail = (): never => {
    throw reason instanceof Error ? reason : new Error(String(reason));
  };
  // A promise's `then` is looked for by `await`; not being one is no use of it.
  const get = (_: object, key: string | symbol) => (key === 'then' ? undefined : fail());
  // `never`: whatever it is taken for, it is not that.
  return new Proxy({}, { get, set: fail, has: fail, ownKeys: fail }) as never;
}
