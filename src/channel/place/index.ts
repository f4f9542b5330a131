// The door of src/channel/place: where the channels of a node are. Only files, no locks and no FIFOs: those
// need native calls, which the wrapper would have to load before its launcher runs.

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
