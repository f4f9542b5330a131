// The door of this folder: the maps of processes, their occupied ranges, and a hole that they share.
export { MapsFormatError, NoHoleError } from './errors.js';
export { formatAddress } from './hex.js';
export { chooseHole, type HoleRequest } from './hole.js';
export {
  combine,
  isFree,
  occupiedFrom,
  ownOccupied,
  ownTold,
  type Claimed,
  type Occupied,
  type Told,
} from './occupied.js';
export { parseMaps, parseRange, parseRanges, type Mapping } from './parse.js';
export { formatPolicy, parsePolicy, type HoleKind, type HolePolicy } from './policy.js';
export {
  contains,
  gaps,
  intersects,
  isWithin,
  rangeSet,
  sizeOf,
  union,
  type Range,
  type RangeSet,
} from './ranges.js';
export { SCATTER_WINDOWS, USER_SPACE, USER_SPACE_END, USER_SPACE_START } from './space.js';
