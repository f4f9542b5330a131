// The door of src/channel/place: where on a node channels are. Files only, no locks and no FIFOs, so that the wrapper does not pay for
// the native calls that those need before its launcher runs.

export { ChannelRefusedError } from './errors.js';
export { descendantsOf, seesEveryProcess, statOf } from './process.js';
export {
  type NumberedRoots,
  channelPath,
  checkDirectory,
  fnv1a,
  namesIn,
  numberedRoots,
  openRoot,
  refusalOf,
  ownUid,
  removeRoot,
  rootsOf,
} from './root.js';
