// The door of src/channel/place: where on a node channels are, who keeps them, and how they are removed. Files only, no
// pipes, so that the wrapper does not pay for the FFI that pipes need.

export { ChannelRefusedError } from './errors.js';
export {
  type Keeper,
  currentKeeper,
  isAlive,
  keeperOf,
  formatKeeper,
  parseKeeper,
  readKeeper,
  seesEveryProcess,
  statOf,
} from './keeper.js';
export { isInhabited, leaderIn } from './inhabited.js';
export { keeperFile, makeKept } from './kept.js';
export { type Pair, namesIn, pairsIn } from './names.js';
export { passingName } from './passing.js';
export {
  channelPath,
  checkDirectory,
  codeOf,
  openRoot,
  refusalOf,
  ownUid,
  removeChannel,
  removeRoot,
  rootsOf,
} from './root.js';
export { type Found, channelsIn, foundAt, sweep } from './sweep.js';
