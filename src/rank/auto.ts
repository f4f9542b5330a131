// Joining on import: `import topology from 'hwloc-share/auto'`, or `node --import hwloc-share/auto job.mjs`.

import type { Topology } from '../hwloc/index.js';
import { environment, settingsFrom } from '../environment/index.js';
import { join } from './join.js';
import { messageOf, noticeOf } from './notice.js';
import type { Session } from './session.js';

/**
 * Joins. With `--import` this runs before jobs that may not look at a topology at all: where there is none to be had, that is
 * said on stderr, and only a job that uses it fails.
 */
async function joinIfPossible(): Promise<Session> {
  try {
    return await join();
  } catch (error) {
    if (settingsFrom(environment()).strict) throw error;
    noticeOf(undefined)(`no topology: ${messageOf(error)}`);
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

/** The session that the import joined. */
export const session: Session = await joinIfPossible();

/** The topology that this rank shares with the others of its node. */
const topology: Topology = topologyOf(session);
export default topology;

function topologyOf(joined: Session): Topology {
  try {
    return joined.topology;
  } catch (error) {
    return unusable(error);
  }
}
